package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import org.luthier.api.model.Computation;

/** Magnitudes of the short-time Fourier transform of a segment's samples. */
final class SpectrumOperation implements Operation {
    private static final String SHAPE = "other window";

    /** Rates that sound comes in, over those that models hear. */
    private static final double[][] RATES = {
        {2, 1}, {1, 2}, {44100, 16000}, {48000, 16000}, {22050, 16000}, {44100, 22050}, {16000, 22050}, {16000, 44100}
    };

    /** How far a window in few bits may be from what it was. */
    private static final double ROUNDED = 5e-3;

    private final Field samples;
    /** Name of the window, or null. */
    private final String name;

    private final int window;
    private final int hop;
    private final int fft;
    /** Samples before the time of a frame; what lies outside is mirrored if there are any. */
    private final int ahead;
    /** The window of the checkpoint, or null for a periodic Hann window. */
    private final float[] given;

    private SpectrumOperation(Task task, float[] given) {
        this.given = given;
        name = task.computation().weights().get("window");
        samples = task.input();
        hop = task.count("hop");
        fft = task.count("fft");
        window = given == null ? task.count("window") : fft;
        ahead = given == null ? 0 : fft / 2;
    }

    /** What stands before the first and behind the last sample. */
    private enum Outside {
        ZEROS,
        MIRROR
    }

    private Field spectra(DoubleUnaryOperator shape, int every, int before, Outside outside, int power) {
        return spectra(samples, shape, every, before, outside, power);
    }

    private Field spectra(Field sound, DoubleUnaryOperator shape, int every, int before, Outside outside, int power) {
        int frames = samples.width() / Math.max(1, every) + 1;
        double[] weights = new double[window];
        Arrays.setAll(weights, i -> shape == null ? given[i] : shape.applyAsDouble((double) i / window));
        return Field.of(new int[] {frames, fft / 2 + 1}, index -> {
            double[] x = sound.at();
            if (x == null) {
                return null;
            }
            double[] re = new double[fft];
            double[] im = new double[fft];
            for (int i = 0; i < window; i++) {
                re[i] = weights[i] * sample(x, index[0] * every - before + i, outside);
            }
            transform(re, im);
            double[] y = new double[fft / 2 + 1];
            for (int k = 0; k < y.length; k++) {
                double squared = re[k] * re[k] + im[k] * im[k];
                y[k] = power == 2 ? squared : Math.sqrt(squared);
            }
            return y;
        });
    }

    private static double sample(double[] x, int at, Outside outside) {
        if (at >= 0 && at < x.length) {
            return x[at];
        }
        int mirrored = at < 0 ? -at : 2 * (x.length - 1) - at;
        return outside == Outside.ZEROS || mirrored < 0 || mirrored >= x.length ? 0 : x[mirrored];
    }

    /** The Fourier transform in place, by halves; the length is a power of two. */
    private static void transform(double[] re, double[] im) {
        int n = re.length;
        for (int i = 1, j = 0; i < n; i++) {
            int bit = n >> 1;
            for (; (j & bit) != 0; bit >>= 1) {
                j ^= bit;
            }
            j ^= bit;
            if (i < j) {
                double t = re[i];
                re[i] = re[j];
                re[j] = t;
                t = im[i];
                im[i] = im[j];
                im[j] = t;
            }
        }
        for (int length = 2; length <= n; length <<= 1) {
            for (int k = 0; k < length / 2; k++) {
                double c = Math.cos(-2 * Math.PI * k / length);
                double s = Math.sin(-2 * Math.PI * k / length);
                for (int from = k; from < n; from += length) {
                    int to = from + length / 2;
                    double a = re[to] * c - im[to] * s;
                    double b = re[to] * s + im[to] * c;
                    re[to] = re[from] - a;
                    im[to] = im[from] - b;
                    re[from] += a;
                    im[from] += b;
                }
            }
        }
    }

    private static double hann(double place) {
        return 0.5 - 0.5 * Math.cos(2 * Math.PI * place);
    }

    /** Null if the transform is not one that is computed here, or its window is not known. */
    static Operation of(Task task) {
        boolean centred = task.computation().operation().equals(Computation.CENTRED_MAGNITUDES);
        float[] given = centred ? task.vector("window", task.count("fft")) : null;
        if (centred && given == null) {
            return null;
        }
        SpectrumOperation operation = new SpectrumOperation(task, given);
        return Integer.bitCount(operation.fft) == 1 && operation.window <= operation.fft ? operation : null;
    }

    /** Whether the window of the checkpoint is another than a periodic Hann window, and not merely a rounded one. */
    private boolean isOther() {
        double most = 0;
        for (int i = 0; i < window; i++) {
            most = Math.max(most, Math.abs(given[i] - hann((double) i / window)));
        }
        return most > ROUNDED;
    }

    /** The window of the model. */
    private DoubleUnaryOperator usual() {
        return given == null ? SpectrumOperation::hann : null;
    }

    private Outside outside() {
        return given == null ? Outside.ZEROS : Outside.MIRROR;
    }

    @Override
    public Field plain() {
        return spectra(usual(), hop, ahead, outside(), 1);
    }

    @Override
    public List<Variant> variants() {
        List<Variant> variants = new ArrayList<>();
        variants.add(new Variant(
                "power for magnitude",
                "magnitude for power",
                "squares of the magnitudes",
                "magnitudes",
                "take the square root",
                spectra(usual(), hop, ahead, outside(), 2)));
        if (given == null) {
            for (Outside outside : Outside.values()) {
                variants.add(new Variant(
                        "centred window",
                        "frames that lie around their time, "
                                + (outside == Outside.ZEROS ? "zeros" : "the signal mirrored") + " outside",
                        "frames that begin at their time",
                        "switch centring and padding off (center=False)",
                        spectra(usual(), hop, fft / 2, outside, 1)));
            }
        } else {
            variants.add(new Variant(
                    "window not centred",
                    "frames that begin at their time",
                    "frames that lie around their time",
                    "switch centring on (center=True), the signal mirrored outside",
                    spectra(usual(), hop, 0, Outside.ZEROS, 1)));
            variants.add(new Variant(
                    "other padding",
                    "zeros outside",
                    "the signal mirrored",
                    "mirror the signal at its ends (pad_mode reflect)",
                    spectra(usual(), hop, ahead, Outside.ZEROS, 1)));
            if (isOther()) {
                window(variants, "a periodic Hann window", SpectrumOperation::hann);
            }
            for (Precision precision : Precision.values()) {
                if (!precision.fits(given)) {
                    float[] rounded = precision.round(given);
                    variants.add(Rounded.variant(
                            precision,
                            name,
                            spectra(place -> rounded[(int) Math.rint(place * window)], hop, ahead, outside(), 1)));
                }
            }
        }
        window(variants, "a symmetric Hann window", place -> hann(place * window / (window - 1)));
        window(variants, "no window", place -> 1);
        window(variants, "a Hamming window", place -> 0.54 - 0.46 * Math.cos(2 * Math.PI * place));
        window(variants, "the root of a Hann window", place -> Math.sqrt(hann(place)));
        Set<Integer> hops =
                new LinkedHashSet<>(List.of(hop * 2, hop / 2, hop + 1, hop - 1, 128, 160, 256, 300, 320, 441, 512));
        hops.remove(hop);
        for (int every : hops) {
            variants.add(new Variant(
                    "wrong hop",
                    "a frame every " + every + " samples",
                    "one every " + hop,
                    "set the hop to " + hop,
                    spectra(usual(), every, ahead, outside(), 1)));
        }
        for (double[] rate : RATES) {
            double ratio = rate[0] / rate[1];
            variants.add(new Variant(
                    "wrong sample rate",
                    String.format(Locale.ROOT, "sound of a rate %.4g times as low as it is taken for", ratio),
                    "sound of the model's rate",
                    "resample the sound to the rate that the model hears",
                    spectra(samples.map(x -> paced(x, ratio)), usual(), hop, ahead, outside(), 1)));
        }
        return variants;
    }

    /** One of so many samples, on the straight line between two where it falls between them. */
    private static double[] paced(double[] x, double step) {
        double[] y = new double[x.length];
        for (int i = 0; i < y.length && i * step < x.length - 1; i++) {
            int at = (int) (i * step);
            double beyond = i * step - at;
            y[i] = x[at] + beyond * (x[at + 1] - x[at]);
        }
        return y;
    }

    private void window(List<Variant> variants, String odd, DoubleUnaryOperator shape) {
        variants.add(new Variant(
                SHAPE,
                odd,
                given == null ? "a periodic Hann window" : "the window of the checkpoint",
                "use a periodic Hann window of " + window + " samples",
                spectra(shape, hop, ahead, outside(), 1)));
    }
}
