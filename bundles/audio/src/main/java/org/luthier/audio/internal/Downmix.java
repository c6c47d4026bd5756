package org.luthier.audio.internal;

import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_DBL;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_FLT;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_S16;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_S32;
import static org.bytedeco.ffmpeg.global.avutil.AV_SAMPLE_FMT_U8;
import static org.bytedeco.ffmpeg.global.avutil.av_get_packed_sample_fmt;
import static org.bytedeco.ffmpeg.global.avutil.av_sample_fmt_is_planar;

import java.util.Arrays;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.luthier.api.LuthierException;

/**
 * Turns decoded frames of any sample format into one channel of float samples and keeps count of what it saw.
 *
 * <p>Integers of b bits are divided by 2^(b-1), unsigned bytes after taking 128 away; what is not finite or beyond 1e12 becomes 0;
 * the channels are averaged with equal weights.
 */
final class Downmix {
    /** No sound is larger; its square is still a float, and so is whatever a filter makes of it. */
    private static final float LARGEST = 1e12f;

    private byte[] bytes = {};
    private short[] shorts = {};
    private int[] integers = {};
    private double[] doubles = {};
    private float[] values = {};
    private double[] sums = {};
    private float[] mono = {};

    private float peak;
    private long clipped;
    private long replaced;

    /**
     * The average of a frame's channels.
     *
     * @param bits of the samples before decoding widened them, or 0 if they are not integers
     * @return an array that is used again; the frame's samples come first
     */
    float[] average(AVFrame frame, int bits) {
        int samples = frame.nb_samples();
        int channels = frame.ch_layout().nb_channels();
        boolean planar = av_sample_fmt_is_planar(frame.format()) != 0;
        int planes = planar ? channels : 1;
        int step = planar ? 1 : channels;
        if (mono.length < samples) {
            mono = new float[samples];
            sums = new double[samples];
        }
        Arrays.fill(sums, 0, samples, 0);
        for (int plane = 0; plane < planes; plane++) {
            load(frame.extended_data(plane), av_get_packed_sample_fmt(frame.format()), samples * step);
            inspect(samples * step, bits);
            for (int i = 0, at = 0; i < samples; i++) {
                for (int end = at + step; at < end; at++) {
                    sums[i] += values[at];
                }
            }
        }
        for (int i = 0; i < samples; i++) {
            mono[i] = (float) (sums[i] / channels);
        }
        return mono;
    }

    /** Largest absolute sample so far. */
    double peak() {
        return peak;
    }

    /** Samples so far that have the largest or smallest code of their integer format, or a float of at least 1. */
    long clipped() {
        return clipped;
    }

    /** Samples so far that were not finite, or beyond 1e12. */
    long replaced() {
        return replaced;
    }

    private void load(BytePointer data, int format, int count) {
        if (values.length < count) {
            values = new float[count];
        }
        switch (format) {
            case AV_SAMPLE_FMT_U8 -> {
                bytes = bytes.length < count ? new byte[count] : bytes;
                data.get(bytes, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = ((bytes[i] & 0xFF) - 128) * 0x1p-7f;
                }
            }
            case AV_SAMPLE_FMT_S16 -> {
                shorts = shorts.length < count ? new short[count] : shorts;
                new ShortPointer(data).get(shorts, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = shorts[i] * 0x1p-15f;
                }
            }
            case AV_SAMPLE_FMT_S32 -> { // 24 bits come in the upper ones
                integers = integers.length < count ? new int[count] : integers;
                new IntPointer(data).get(integers, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = integers[i] * 0x1p-31f;
                }
            }
            case AV_SAMPLE_FMT_FLT -> new FloatPointer(data).get(values, 0, count);
            case AV_SAMPLE_FMT_DBL -> {
                doubles = doubles.length < count ? new double[count] : doubles;
                new DoublePointer(data).get(doubles, 0, count);
                for (int i = 0; i < count; i++) {
                    values[i] = (float) doubles[i];
                }
            }
            default ->
                throw new LuthierException("the file's samples are of a kind that is not supported (" + format + ")");
        }
    }

    private void inspect(int count, int bits) {
        // The largest code of b bits is 1 - 2^(1-b); from 26 bits on it is 1 as a float.
        float full = bits == 0 ? 1 : (float) (1 - Math.scalb(1.0, 1 - bits));
        for (int i = 0; i < count; i++) {
            float value = values[i];
            float size = Math.abs(value);
            if (!(size <= LARGEST)) { // not a number, either
                values[i] = 0;
                replaced++;
            } else {
                peak = Math.max(peak, size);
                if (value >= full || value <= -1) {
                    clipped++;
                }
            }
        }
    }
}
