package org.luthier.audio.internal;

import static org.luthier.audio.Resampler.HIGHEST_RATE;
import static org.luthier.audio.Resampler.LOWEST_RATE;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioFacts;
import org.luthier.api.audio.Recording;
import org.luthier.audio.Resampler;

/** One file on its way: decoded frame -> one channel -> resampled -> buffer. */
public final class Reading {
    private static final String PHASE = "decode audio";
    /** Decoded samples between two reports of progress. */
    private static final int STRIDE = 1 << 16;
    /** Seconds that a compressed file may be shorter than it says: the last packets are often counted differently. */
    private static final double SLACK = 0.1;

    private static final double LOSSLESS_SLACK = 0.001; // some containers count in milliseconds

    private final Path file;
    private final AudioStream stream;
    private final int targetRate;
    private final Downmix downmix = new Downmix();
    private final SampleBuffer buffer = new SampleBuffer();

    private Resampler resampler;
    private int rate;
    private int channels;
    private boolean channelsChange;
    private long frames;
    private long total = -1;

    /**
     * @param file the file that the stream was opened from
     * @param targetRate samples per second wanted
     */
    public Reading(Path file, AudioStream stream, int targetRate) {
        this.file = file;
        this.stream = stream;
        this.targetRate = targetRate;
    }

    /** Reads everything. */
    public Recording run(Progress progress, Cancellation cancellation) {
        progress.update(PHASE, 0, total);
        long reported = 0;
        for (AVFrame frame = stream.next(); frame != null; frame = stream.next()) {
            cancellation.check();
            take(frame);
            if (frames - reported >= STRIDE) {
                progress.update(PHASE, frames, total);
                reported = frames;
            }
        }
        refuseDamage();
        resampler.finish(buffer);
        progress.update(PHASE, frames, frames);
        AudioFacts facts = new AudioFacts(
                file.getFileName().toString(),
                stream.format(),
                rate,
                channels,
                frames,
                downmix.peak(),
                downmix.clipped(),
                downmix.replaced(),
                downmix.peak() == 0,
                remarks());
        return new Recording(drain(), targetRate, facts);
    }

    private void take(AVFrame frame) {
        if (resampler == null) {
            start(frame);
        }
        if (frame.sample_rate() != rate) {
            throw new LuthierException(file + ": its sample rate changes from " + rate + " to " + frame.sample_rate()
                    + " Hz after " + seconds(frames) + "; convert it to WAV or FLAC of one rate");
        }
        channelsChange |= frame.ch_layout().nb_channels() != channels;
        int samples = frame.nb_samples();
        resampler.push(downmix.average(frame, stream.bits()), 0, samples, buffer);
        frames += samples;
        requireRoom(buffer.length());
    }

    private void start(AVFrame first) {
        rate = first.sample_rate();
        channels = first.ch_layout().nb_channels();
        if (rate < LOWEST_RATE || rate > HIGHEST_RATE) {
            throw new LuthierException(
                    file + ": its sample rate is " + rate + " Hz, expected " + LOWEST_RATE + " to " + HIGHEST_RATE);
        }
        resampler = new Resampler(rate, targetRate);
        double claimed = stream.claimedSeconds();
        if (claimed >= 0) {
            total = Math.round(claimed * rate);
            requireRoom(claimed * targetRate);
        } else if (stream.uncompressed()) {
            // Where the header does not say, the file's size does.
            requireRoom((double) stream.bytes() / stream.bytesPerFrame() / rate * targetRate);
        }
    }

    private float[] drain() {
        long length = buffer.length();
        try {
            return buffer.drain();
        } catch (OutOfMemoryError e) { // one large array; nothing else is in danger
            throw tooLong(length);
        }
    }

    /** Says that a recording does not fit before the memory is gone; it is there twice for a moment, at the end. */
    private void requireRoom(double samples) {
        if (2 * samples * Float.BYTES > Runtime.getRuntime().maxMemory() || samples > Integer.MAX_VALUE - 8) {
            throw tooLong(samples);
        }
    }

    /** In double, because a header may claim any number. */
    private LuthierException tooLong(double samples) {
        return new LuthierException(String.format(
                Locale.ROOT,
                "%s: is too long: its samples need %.0f MB of free heap of %d MB; raise --heap or cut the file",
                file,
                2 * samples * Float.BYTES / (1 << 20),
                Runtime.getRuntime().maxMemory() >> 20));
    }

    private void refuseDamage() {
        if (frames == 0) {
            throw new LuthierException(file
                    + (stream.damaged() > 0 || stream.broken()
                            ? ": is damaged or not audio: nothing in it could be decoded; " + AudioStream.EXPECTED
                            : ": has no samples in it"));
        }
        boolean cutShort =
                !stream.uncompressed() && total - frames > rate * (stream.lossless() ? LOSSLESS_SLACK : SLACK);
        if (stream.broken() || cutShort) {
            throw new LuthierException(file + ": is cut short or damaged: only " + seconds(frames)
                    + (total < 0 ? "" : " of " + seconds(total)) + " could be decoded; get a whole copy of it");
        }
        if (stream.damaged() * 10 > stream.packets()) {
            throw new LuthierException(file + ": is damaged or not audio: " + stream.damaged() + " of "
                    + stream.packets() + " packets could not be decoded; get a whole copy of it");
        }
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        if (stream.uncompressed() && total < 0 && stream.format().startsWith("wav/")) {
            remarks.add("the header states no valid length; all " + frames + " samples found were read");
        } else if (stream.uncompressed() && total >= 0 && Math.abs(total - frames) > rate * LOSSLESS_SLACK) {
            remarks.add("the header states " + total + " samples; " + frames + " were found and read");
        } else if (stream.format().startsWith("wav/") && WavTail.strayBytes(file) > 0) {
            remarks.add("the header states " + total + " samples, and these were read; " + WavTail.strayBytes(file)
                    + " bytes behind them, which it does not account for, were not");
        }
        if (stream.damaged() > 0) {
            remarks.add(stream.damaged() + " of " + stream.packets() + " packets are damaged and were left out");
        }
        if (!stream.delayKnown()) {
            remarks.add("the file does not state its encoder's delay; notes may come up to 0.05 s late");
        }
        if (channelsChange) {
            remarks.add("the number of channels changes within the file; each part was averaged over its own");
        }
        return remarks;
    }

    private String seconds(long samples) {
        return String.format(Locale.ROOT, "%.2f s", (double) samples / rate);
    }
}
