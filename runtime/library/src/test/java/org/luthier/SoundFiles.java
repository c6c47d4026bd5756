package org.luthier;

import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_encoder_by_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_from_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_packet;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_frame;
import static org.bytedeco.ffmpeg.global.avformat.AVIO_FLAG_WRITE;
import static org.bytedeco.ffmpeg.global.avformat.av_write_frame;
import static org.bytedeco.ffmpeg.global.avformat.av_write_trailer;
import static org.bytedeco.ffmpeg.global.avformat.avformat_alloc_output_context2;
import static org.bytedeco.ffmpeg.global.avformat.avformat_free_context;
import static org.bytedeco.ffmpeg.global.avformat.avformat_new_stream;
import static org.bytedeco.ffmpeg.global.avformat.avformat_write_header;
import static org.bytedeco.ffmpeg.global.avformat.avio_closep;
import static org.bytedeco.ffmpeg.global.avformat.avio_open;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_S16;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_S16P;
import static org.bytedeco.ffmpeg.global.avutil.av_channel_layout_default;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_buffer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.ShortPointer;

/** Sound files that tests write. */
final class SoundFiles {
    private SoundFiles() {}

    /** Writes one channel of 32-bit floats: what is read back is bit for bit what is given. */
    static Path floatWave(Path file, float[] samples, int rate) throws IOException {
        ByteBuffer wave = wave(3, 1, rate, 4, 4 * samples.length);
        for (float sample : samples) {
            wave.putFloat(sample);
        }
        return Files.write(file, wave.array());
    }

    /** Writes two equal channels of 16 bits. */
    static Path stereoWave(Path file, short[] samples, int rate) throws IOException {
        ByteBuffer wave = wave(1, 2, rate, 2, 4 * samples.length);
        for (short sample : samples) {
            wave.putShort(sample).putShort(sample);
        }
        return Files.write(file, wave.array());
    }

    static short[] to16Bits(float[] samples) {
        short[] rounded = new short[samples.length];
        for (int i = 0; i < samples.length; i++) {
            rounded[i] = (short) Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
        }
        return rounded;
    }

    private static ByteBuffer wave(int format, int channels, int rate, int sampleBytes, int bytes) {
        ByteBuffer wave = ByteBuffer.allocate(44 + bytes).order(ByteOrder.LITTLE_ENDIAN);
        wave.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + bytes);
        wave.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
        wave.putShort((short) format).putShort((short) channels).putInt(rate).putInt(rate * channels * sampleBytes);
        wave.putShort((short) (channels * sampleBytes)).putShort((short) (8 * sampleBytes));
        wave.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(bytes);
        return wave;
    }

    /**
     * Encodes one channel of 16 bits.
     *
     * @param file its suffix chooses the container
     * @param encoder {@code "flac"} or {@code "libmp3lame"}
     */
    static Path encoded(Path file, String encoder, int bitRate, short[] samples, int rate) {
        AVCodec codec = avcodec_find_encoder_by_name(encoder);
        AVCodecContext context = avcodec_alloc_context3(codec);
        AVFormatContext container = new AVFormatContext(null);
        AVFrame frame = av_frame_alloc();
        AVPacket packet = av_packet_alloc();
        try {
            context.sample_fmt(encoder.equals("flac") ? AV_SAMPLE_FMT_S16 : AV_SAMPLE_FMT_S16P);
            context.sample_rate(rate);
            context.bit_rate(bitRate);
            context.time_base().num(1).den(rate);
            av_channel_layout_default(context.ch_layout(), 1);
            done(avcodec_open2(context, codec, (AVDictionary) null));
            done(avformat_alloc_output_context2(container, null, null, file.toString()));
            AVStream stream = avformat_new_stream(container, null);
            stream.time_base().num(1).den(rate);
            done(avcodec_parameters_from_context(stream.codecpar(), context));
            AVIOContext io = new AVIOContext(null);
            done(avio_open(io, file.toString(), AVIO_FLAG_WRITE));
            container.pb(io);
            done(avformat_write_header(container, (AVDictionary) null));
            for (int start = 0; start < samples.length; start += context.frame_size()) {
                int count = Math.min(context.frame_size(), samples.length - start);
                frame.nb_samples(count);
                frame.format(context.sample_fmt());
                frame.sample_rate(rate);
                av_channel_layout_default(frame.ch_layout(), 1);
                done(av_frame_get_buffer(frame, 0));
                new ShortPointer(frame.data(0)).put(samples, start, count);
                frame.pts(start);
                done(avcodec_send_frame(context, frame));
                drain(context, container, packet);
                org.bytedeco.ffmpeg.global.avutil.av_frame_unref(frame);
            }
            done(avcodec_send_frame(context, null));
            drain(context, container, packet);
            done(av_write_trailer(container));
            avio_closep(io);
            return file;
        } finally {
            av_packet_free(packet);
            av_frame_free(frame);
            avcodec_free_context(context);
            avformat_free_context(container);
        }
    }

    private static void drain(AVCodecContext context, AVFormatContext container, AVPacket packet) {
        while (avcodec_receive_packet(context, packet) >= 0) {
            org.bytedeco.ffmpeg.global.avcodec.av_packet_rescale_ts(
                    packet, context.time_base(), container.streams(0).time_base());
            done(av_write_frame(container, packet));
        }
    }

    private static void done(int result) {
        if (result < 0) {
            throw new IllegalStateException("FFmpeg: " + result);
        }
    }
}
