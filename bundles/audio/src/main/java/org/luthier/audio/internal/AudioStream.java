package org.luthier.audio.internal;

import static org.bytedeco.ffmpeg.global.avcodec.AVDISCARD_ALL;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_AAC;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_ALAC;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_FLAC;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_MP3;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_NONE;
import static org.bytedeco.ffmpeg.global.avcodec.AV_EF_CRCCHECK;
import static org.bytedeco.ffmpeg.global.avcodec.AV_EF_EXPLODE;
import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_DATA_SKIP_SAMPLES;
import static org.bytedeco.ffmpeg.global.avcodec.av_get_bits_per_sample;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_get_side_data;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avformat.AVFMT_DURATION_FROM_BITRATE;
import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avformat.avio_size;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_AUDIO;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_S32;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_get_bytes_per_sample;
import static org.bytedeco.ffmpeg.global.avutil.av_get_packed_sample_fmt;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.av_max_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_strerror;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_EACCES;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_EAGAIN;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_ENOMEM;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVInputFormat;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.luthier.api.LuthierException;

/**
 * The audio of one file, decoded frame by frame by FFmpeg.
 *
 * <p>FFmpeg may open this one file and nothing else (no network, no playlists), and only with the containers and decoders named
 * here. It decodes on the calling thread. Everything native is freed by {@link #close}.
 */
public final class AudioStream implements AutoCloseable {
    private static final String CONTAINERS = "wav,w64,aiff,flac,mp3,ogg,mov,aac,au,caf,matroska";
    private static final Set<String> DECODERS = Set.of(
            "pcm_u8",
            "pcm_s8",
            "pcm_s16le",
            "pcm_s16be",
            "pcm_s24le",
            "pcm_s24be",
            "pcm_s32le",
            "pcm_s32be",
            "pcm_f32le",
            "pcm_f32be",
            "pcm_f64le",
            "pcm_f64be",
            "pcm_alaw",
            "pcm_mulaw",
            "adpcm_ms",
            "adpcm_ima_wav",
            "flac",
            "alac",
            "mp2float",
            "mp3float",
            "vorbis",
            "opus",
            "aac");

    static final String EXPECTED = "expected WAV, FLAC, MP3, OGG, M4A/AAC, AIFF, AU, CAF or WebM";

    /** What one piece of native memory may take; the largest real ones are pictures and the indexes of long films. */
    private static final long LARGEST_ALLOCATION = 256L << 20;

    static {
        av_log_set_level(AV_LOG_QUIET);
        av_max_alloc(LARGEST_ALLOCATION);
    }

    private final Path file;
    private final AVFormatContext container = new AVFormatContext(null);
    private AVStream stream;
    private AVCodecContext codec;
    private AVPacket packet;
    private AVFrame frame;
    private boolean lossless;
    private boolean broken;
    private boolean delayKnown;
    private long packets;
    private long damaged;

    /**
     * Opens a file.
     *
     * @throws LuthierException if it cannot be opened or has no audio that can be decoded
     */
    public AudioStream(Path file) {
        this.file = file;
        boolean opened = false;
        try {
            openContainer();
            openCodec();
            packet = av_packet_alloc();
            frame = av_frame_alloc();
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    private void openContainer() {
        AVDictionary options = new AVDictionary(null);
        // The system's own encoding of file names; FFmpeg for Windows takes UTF-8.
        boolean windows = System.getProperty("os.name").startsWith("Windows");
        Charset charset =
                windows ? StandardCharsets.UTF_8 : Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        try (BytePointer url = new BytePointer(("file:" + file.toAbsolutePath() + "\0").getBytes(charset))) {
            av_dict_set(options, "protocol_whitelist", "file", 0);
            av_dict_set(options, "format_whitelist", CONTAINERS, 0);
            av_dict_set(options, "codec_whitelist", String.join(",", DECODERS), 0);
            int result = avformat_open_input(container, url, null, options);
            if (result < 0) {
                throw refusal(result);
            }
        } finally {
            av_dict_free(options);
        }
        int result = avformat_find_stream_info(container, (AVDictionary) null);
        if (result < 0) {
            throw refusal(result);
        }
    }

    private void openCodec() {
        int index = av_find_best_stream(container, AVMEDIA_TYPE_AUDIO, -1, -1, (AVCodec) null, 0);
        if (index < 0) {
            throw noAudio();
        }
        stream = container.streams(index);
        int id = stream.codecpar().codec_id();
        AVCodec decoder = avcodec_find_decoder(id);
        if (decoder == null || !DECODERS.contains(decoder.name().getString())) {
            String coding =
                    id == AV_CODEC_ID_NONE ? "unknown" : avcodec_get_name(id).getString();
            throw new LuthierException(
                    file + ": its audio coding (" + coding + ") is not supported; convert the file to WAV or FLAC");
        }
        for (int i = 0; i < container.nb_streams(); i++) {
            container.streams(i).discard(i == index ? 0 : AVDISCARD_ALL);
        }
        codec = avcodec_alloc_context3(decoder);
        lossless = id == AV_CODEC_ID_FLAC || id == AV_CODEC_ID_ALAC;
        int result = avcodec_parameters_to_context(codec, stream.codecpar());
        if (result >= 0) {
            codec.pkt_timebase(stream.time_base()); // so that encoder delay and padding are cut off
            codec.thread_count(1);
            if (lossless) {
                codec.err_recognition(AV_EF_CRCCHECK | AV_EF_EXPLODE);
            }
            result = avcodec_open2(codec, decoder, (AVDictionary) null);
        }
        if (result < 0) {
            throw refusal(result);
        }
    }

    /**
     * Decodes the next frame.
     *
     * @return the frame, which lives until the next call, or null at the end of what can be decoded
     */
    AVFrame next() {
        while (!broken) {
            int result = avcodec_receive_frame(codec, frame);
            if (result == 0) {
                if (frame.nb_samples() > 0) {
                    return frame;
                }
            } else if (result == AVERROR_EAGAIN()) {
                feed();
            } else if (result == AVERROR_EOF()) {
                return null;
            } else {
                damage();
            }
        }
        return null;
    }

    private void feed() {
        int result = av_read_frame(container, packet);
        if (result < 0) {
            broken = lossless && result != AVERROR_EOF();
            avcodec_send_packet(codec, null);
            return;
        }
        if (packet.stream_index() == stream.index()) {
            delayKnown |= packets == 0
                    && av_packet_get_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, (SizeTPointer) null) != null;
            packets++;
            if (avcodec_send_packet(codec, packet) < 0) {
                damage();
            }
        }
        av_packet_unref(packet);
    }

    private void damage() {
        if (!uncompressed()) { // there it is only an incomplete last sample
            damaged++;
        }
        broken = lossless;
    }

    /** Container and codec, as FFmpeg names them. */
    String format() {
        AVInputFormat format = container.iformat();
        String[] names = format.name().getString().split(",");
        String suffix = file.getFileName().toString().replaceFirst("^.*\\.", "").toLowerCase(Locale.ROOT);
        String name = Arrays.asList(names).contains(suffix) ? suffix : names[0];
        return name + "/" + avcodec_get_name(stream.codecpar().codec_id()).getString();
    }

    /** Seconds of audio that the file claims to have, or -1 where it does not say. */
    double claimedSeconds() {
        long duration = stream.duration();
        boolean guessed = container.duration_estimation_method() == AVFMT_DURATION_FROM_BITRATE;
        if (guessed || duration == AV_NOPTS_VALUE || duration <= 0) {
            return -1;
        }
        return (double) duration * stream.time_base().num() / stream.time_base().den();
    }

    /** Bits of the samples in the file, or 0 if they are not integers. */
    int bits() {
        int format = av_get_packed_sample_fmt(codec.sample_fmt());
        if (format > AV_SAMPLE_FMT_S32) {
            return 0;
        }
        int width = 8 * av_get_bytes_per_sample(format);
        int raw = codec.bits_per_raw_sample();
        return raw > 0 && raw < width ? raw : width;
    }

    /** Size of the file, with whatever else is in it. */
    long bytes() {
        return Math.max(0, avio_size(container.pb()));
    }

    /** What a sample of every channel takes in the file, if they are stored as they are. */
    int bytesPerFrame() {
        int bits = av_get_bits_per_sample(stream.codecpar().codec_id());
        return Math.max(1, stream.codecpar().ch_layout().nb_channels() * bits / Byte.SIZE);
    }

    /** Whether the samples are stored as they are, so that any part of the file is right. */
    boolean uncompressed() {
        return avcodec_get_name(stream.codecpar().codec_id()).getString().startsWith("pcm_");
    }

    /** Whether decoding gives back exactly what was encoded, so that any error in it is damage. */
    boolean lossless() {
        return lossless;
    }

    /** Whether decoding ended before the file did, at something that is damaged. */
    boolean broken() {
        return broken;
    }

    /** Whether the decoder was told how much silence the encoder put in front, where its kind of encoder does so. */
    boolean delayKnown() {
        int id = stream.codecpar().codec_id();
        return delayKnown || id != AV_CODEC_ID_MP3 && id != AV_CODEC_ID_AAC;
    }

    /** Packets so far. */
    long packets() {
        return packets;
    }

    /** Packets so far that could not be decoded and were left out. */
    long damaged() {
        return damaged;
    }

    private LuthierException noAudio() {
        for (int i = 0; i < container.nb_streams(); i++) {
            AVCodecParameters parameters = container.streams(i).codecpar();
            if (parameters.codec_type() == AVMEDIA_TYPE_AUDIO) {
                return new LuthierException(file + ": is damaged or not audio: it states "
                        + parameters.ch_layout().nb_channels() + " channels and " + parameters.sample_rate() + " Hz; "
                        + EXPECTED);
            }
        }
        return new LuthierException(file + ": has no audio in it; " + EXPECTED);
    }

    private LuthierException refusal(int error) {
        if (error == AVERROR_EACCES()) {
            return new LuthierException(file + ": no permission to read it");
        }
        if (error == AVERROR_ENOMEM()) {
            return new LuthierException(file + ": is damaged (its header asks for an absurd amount of memory)");
        }
        byte[] text = new byte[256];
        av_strerror(error, text, text.length);
        String reason = new String(text, StandardCharsets.US_ASCII).replaceFirst("\0.*", "");
        return new LuthierException(
                file + ": is not audio that can be read, or is damaged; " + EXPECTED + " (" + reason + ")");
    }

    @Override
    public void close() {
        if (frame != null) {
            av_frame_free(frame);
            frame = null;
        }
        if (packet != null) {
            av_packet_free(packet);
            packet = null;
        }
        if (codec != null) {
            avcodec_free_context(codec);
            codec = null;
        }
        if (!container.isNull()) {
            avformat_close_input(container);
        }
    }
}
