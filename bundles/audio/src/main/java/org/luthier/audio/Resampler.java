package org.luthier.audio;

import java.util.Arrays;

/**
 * Changes the sample rate of a signal that arrives in blocks, by a band-limited polyphase filter.
 *
 * <p>The filter is a sinc with a Kaiser window: linear phase and no delay (output sample m lies at the time m / output rate),
 * flat up to 0.914 of the lower of the two Nyquist frequencies, and at least 120 dB down from that Nyquist frequency on. n
 * samples become ceil(n * output rate / input rate); outside the signal there is silence. Equal rates copy.
 *
 * <p>Filter design: J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", 1974. Not thread-safe:
 * one resampler, one signal.
 */
public final class Resampler {
    /** Where resampled samples go. */
    @FunctionalInterface
    public interface Sink {
        /** Takes samples; the array is used again after the call. */
        void accept(float[] samples, int offset, int length);
    }

    /** Lowest rate, in samples per second. */
    public static final int LOWEST_RATE = 1_000;
    /** Highest rate, in samples per second. */
    public static final int HIGHEST_RATE = 768_000;

    private static final double STOP_BAND_DB = 126; // 120 promised; the rest is for float coefficients and sums
    private static final double PASS_BAND = 0.914; // of the lower Nyquist frequency
    private static final double TRANSITION = Math.PI * (1 - PASS_BAND); // radians per sample of the lower rate
    private static final double BETA = 0.1102 * (STOP_BAND_DB - 8.7);
    private static final double HALF_LENGTH =
            (STOP_BAND_DB - 7.95) / (2.285 * TRANSITION) / 2; // samples of the lower rate

    /** Half a Kaiser window, from its middle to its end, fine enough for linear interpolation at -160 dB. */
    private static final double[] WINDOW = kaiserWindow();

    /** As many taps as one pass of the inner loop takes. */
    private static final int GROUP = 4;
    /** Taps whose products are added up as floats; longer sums would lose what the filter gains. */
    private static final int SPAN = 256;
    /** Coefficients that are kept; a larger set (rates with hardly a common divisor) is computed again for each block. */
    private static final int LARGEST_TABLE = 1 << 20;

    private final int up; // the output has `up` samples, one of each phase,
    private final int down; // for every `down` samples of the input: one cycle
    private final int half; // taps on either side of an output sample
    private final int taps;
    private final int cycles; // in one block
    private final double cutoff; // cycles per input sample, times two
    private final float[][] table; // [phase][tap], or null where it would be too large

    private final float[] input; // what the block needs, from `half - 1` samples before its first
    private int filled;
    private final float[][] rows; // the input, dealt out: rows[r][q] = input[q * down + r]
    private final float[][] shifted; // [tap of a group][cycle]
    private final float[] sums; // [cycle], of one phase and span
    private final double[] totals; // [cycle], of one phase
    private final float[] coefficients; // of one phase
    private final float[] output; // [cycle * up + phase]
    private long taken;
    private long given;

    /**
     * @param inputRate samples per second that come in, from 1000 to 768000
     * @param outputRate samples per second that go out, from 1000 to 768000
     * @throws IllegalArgumentException if a rate is out of range
     */
    public Resampler(int inputRate, int outputRate) {
        int divisor = greatestCommonDivisor(requireRate(inputRate), requireRate(outputRate));
        up = outputRate / divisor;
        down = inputRate / divisor;
        double stretch =
                Math.max(1.0, (double) down / up); // of the filter, when the output's Nyquist frequency is the lower
        cutoff = (1 + PASS_BAND) / 2 / stretch;
        half = up == down ? 0 : (int) Math.ceil(HALF_LENGTH * stretch);
        taps = (2 * half + GROUP - 1) / GROUP * GROUP;
        // Long enough for the inner loop to pay, short enough for a cache, and a few megabytes at the oddest rates.
        cycles = Math.max(8, Math.min(512, (1 << 20) / Math.max(up, down)));
        input = new float[half == 0 ? 0 : cycles * down + taps];
        filled = Math.max(0, half - 1);
        rows = new float[half == 0 ? 0 : down][cycles + taps / down + 2];
        shifted = new float[GROUP][cycles];
        sums = new float[cycles];
        totals = new double[cycles];
        coefficients = new float[taps];
        output = new float[half == 0 ? 0 : cycles * up];
        table = (long) up * taps <= LARGEST_TABLE ? new float[up][taps] : null;
        if (table != null) {
            for (int phase = 0; phase < up; phase++) {
                design(phase, table[phase]);
            }
        }
    }

    /** Resamples a whole signal. */
    public static float[] resample(float[] signal, int inputRate, int outputRate) {
        Resampler resampler = new Resampler(inputRate, outputRate);
        float[] result = new float[Math.toIntExact(resampler.lengthAfter(signal.length))];
        int[] end = {0};
        Sink sink = (samples, offset, length) -> {
            System.arraycopy(samples, offset, result, end[0], length);
            end[0] += length;
        };
        resampler.push(signal, 0, signal.length, sink);
        resampler.finish(sink);
        return result;
    }

    /** How many samples come out in all when this many go in: ceil(n * output rate / input rate). */
    public long lengthAfter(long samples) {
        return (Math.multiplyExact(samples, (long) up) + down - 1) / down;
    }

    /** Takes the next samples of the signal and hands on those that are complete. */
    public void push(float[] samples, int offset, int length, Sink sink) {
        taken += length;
        if (half == 0) {
            sink.accept(samples, offset, length);
            return;
        }
        int done = 0;
        while (done < length) {
            int count = Math.min(length - done, input.length - filled);
            System.arraycopy(samples, offset + done, input, filled, count);
            filled += count;
            done += count;
            if (filled == input.length) {
                block(sink, output.length);
            }
        }
    }

    /** Ends the signal and hands on the rest. */
    public void finish(Sink sink) {
        long total = half == 0 ? given : lengthAfter(taken);
        while (given < total) {
            Arrays.fill(input, filled, input.length, 0);
            block(sink, (int) Math.min(output.length, total - given));
        }
    }

    /** Filters the block that `input` holds and moves on by its length. */
    private void block(Sink sink, int count) {
        int used = Math.min(cycles, (count + up - 1) / up);
        int reach = used * down + taps;
        for (int row = 0; row < down; row++) {
            float[] target = rows[row];
            for (int i = row, q = 0; i < reach; i += down, q++) {
                target[q] = input[i];
            }
        }
        for (int phase = 0; phase < up; phase++) {
            int first = (int) ((long) phase * down / up);
            float[] h = table == null ? design(phase, coefficients) : table[phase];
            Arrays.fill(totals, 0, used, 0);
            for (int tap = 0; tap < taps; tap += SPAN) {
                span(h, first, tap, Math.min(taps, tap + SPAN), used);
            }
            for (int q = 0, n = phase; q < used; q++, n += up) {
                output[n] = (float) totals[q];
            }
        }
        sink.accept(output, 0, count);
        given += count;
        int step = cycles * down;
        System.arraycopy(input, step, input, 0, input.length - step);
        filled = input.length - step;
    }

    /** Adds the products of some taps of one phase to the totals. */
    private void span(float[] h, int first, int from, int to, int used) {
        Arrays.fill(sums, 0, used, 0);
        for (int tap = from; tap < to; tap += GROUP) {
            for (int i = 0; i < GROUP; i++) {
                int at = first + tap + i;
                System.arraycopy(rows[at % down], at / down, shifted[i], 0, used);
            }
            accumulate(sums, used, h, tap, shifted[0], shifted[1], shifted[2], shifted[3]);
        }
        for (int q = 0; q < used; q++) {
            totals[q] += sums[q];
        }
    }

    /** The inner loop: the same index everywhere, so that HotSpot turns it into vector instructions. */
    private static void accumulate(
            float[] sums, int count, float[] h, int tap, float[] x0, float[] x1, float[] x2, float[] x3) {
        float h0 = h[tap];
        float h1 = h[tap + 1];
        float h2 = h[tap + 2];
        float h3 = h[tap + 3];
        for (int q = 0; q < count; q++) {
            sums[q] += (h0 * x0[q] + h1 * x1[q]) + (h2 * x2[q] + h3 * x3[q]);
        }
    }

    /** The taps of one phase: the filter at the distances between the output sample and the input samples around it. */
    private float[] design(int phase, float[] target) {
        double fraction = (double) ((long) phase * down % up) / up;
        for (int tap = 0; tap < taps; tap++) {
            double distance = tap - (half - 1) - fraction; // in input samples
            target[tap] = (float) filter(distance);
        }
        return target;
    }

    private double filter(double distance) {
        double place = Math.abs(distance) / half * (WINDOW.length - 1);
        if (place >= WINDOW.length - 1) {
            return 0;
        }
        int below = (int) place;
        double weight = WINDOW[below] + (place - below) * (WINDOW[below + 1] - WINDOW[below]);
        double angle = Math.PI * cutoff * distance;
        return cutoff * weight * (angle == 0 ? 1 : Math.sin(angle) / angle);
    }

    private static double[] kaiserWindow() {
        double[] window = new double[(1 << 14) + 1];
        double middle = besselI0(BETA);
        for (int i = 0; i < window.length; i++) {
            double x = (double) i / (window.length - 1);
            window[i] = besselI0(BETA * Math.sqrt(1 - x * x)) / middle;
        }
        return window;
    }

    /** The modified Bessel function of the first kind and order 0, by its power series. */
    private static double besselI0(double x) {
        double sum = 1;
        double term = 1;
        for (int k = 1; term > sum * 1e-17; k++) {
            term *= (x / 2 / k) * (x / 2 / k);
            sum += term;
        }
        return sum;
    }

    private static int requireRate(int rate) {
        if (rate < LOWEST_RATE || rate > HIGHEST_RATE) {
            throw new IllegalArgumentException(
                    "sample rate: expected " + LOWEST_RATE + " to " + HIGHEST_RATE + " Hz, got " + rate);
        }
        return rate;
    }

    private static int greatestCommonDivisor(int a, int b) {
        return b == 0 ? a : greatestCommonDivisor(b, a % b);
    }
}
