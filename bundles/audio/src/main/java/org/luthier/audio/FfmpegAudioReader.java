package org.luthier.audio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.audio.Recording;
import org.luthier.audio.internal.AudioStream;
import org.luthier.audio.internal.Reading;
import org.luthier.files.NativeLibraries;
import org.osgi.service.component.annotations.Component;

/**
 * Reads audio files with FFmpeg and resamples them with {@link Resampler}.
 *
 * <p>WAV, W64, AIFF, AU and CAF with integers of 8 to 32 bits or floats, FLAC, ALAC, MP3, OGG (Vorbis, Opus), AAC, and these in
 * MP4/M4A and Matroska/WebM; any number of channels (tested up to 64), from 1 to 768 kHz. Integers of b bits are divided by
 * 2^(b-1); channels are averaged with equal weights; what encoders put in front and behind is cut off where the file says how
 * much that is.
 *
 * <p>Damage: a FLAC or ALAC file that is cut short or has an error in it is refused, as is any compressed file that ends before its
 * stated length. Of uncompressed audio whatever is there is read, even if the header states another length; in MP3, AAC, Vorbis
 * and Opus up to a tenth of the packets may be damaged and is left out. Both are remarks in the facts. A cut OGG, raw AAC or MP3
 * without a header states no length, so that nothing is missed.
 *
 * <p>Clipped samples are those with the largest or smallest code of their integer format, or floats (compressed formats decode to
 * floats) of at least 1 in size.
 */
@Component
public final class FfmpegAudioReader implements AudioReader {
    @Override
    public String id() {
        return "ffmpeg";
    }

    @Override
    public String description() {
        return "Decodes WAV, FLAC, MP3, OGG, M4A/AAC and more with FFmpeg; resamples with a band-limited filter.";
    }

    /** @throws IllegalArgumentException if the sample rate wanted is not from 1000 to 768000 */
    @Override
    public Recording read(Path file, int sampleRate, Progress progress, Cancellation cancellation) {
        check(file);
        cancellation.check();
        try (AudioStream stream = new AudioStream(file)) {
            return new Reading(file, stream, sampleRate).run(progress, cancellation);
        } catch (LinkageError e) {
            throw new LuthierException(
                    NativeLibraries.shortage()
                            .map(full ->
                                    "FFmpeg does not start, since its native libraries cannot be unpacked: " + full)
                            .orElseGet(() -> "FFmpeg cannot be loaded on this machine, so no audio can be read: "
                                    + String.valueOf(e.getMessage())
                                            .lines()
                                            .findFirst()
                                            .orElse("")),
                    e);
        }
    }

    /** What can be said about a file without opening it; a pipe would make FFmpeg wait for ever. */
    private static void check(Path file) {
        if (!Files.exists(file)) {
            throw new LuthierException(file + ": no such file");
        }
        if (Files.isDirectory(file)) {
            throw new LuthierException(file + ": is a folder, expected an audio file");
        }
        if (!Files.isRegularFile(file)) {
            throw new LuthierException(file + ": is a pipe or device, expected an audio file; save it to a file first");
        }
        if (!Files.isReadable(file)) {
            throw new LuthierException(file + ": no permission to read it");
        }
        try {
            if (Files.size(file) == 0) {
                throw new LuthierException(file + ": is empty (0 bytes), expected an audio file");
            }
        } catch (IOException e) {
            throw new LuthierException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
