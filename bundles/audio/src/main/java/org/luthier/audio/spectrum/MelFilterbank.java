package org.luthier.audio.spectrum;

/**
 * Sums of a spectrum's bins in bands, each with a weight. Only the weights from a band's first that is not 0 to its last are kept.
 * Immutable; may be used by several workers.
 */
public final class MelFilterbank {
    private final int bins;
    /** First bin of each band. */
    private final int[] first;
    /** Weights of each band, from its first bin on; none for a band that is 0. */
    private final float[][] weights;

    /**
     * A filter bank of any shape.
     *
     * @param matrix [bins, bands], row-major
     */
    public MelFilterbank(float[] matrix, int bins, int bands) {
        if (matrix.length != (long) bins * bands) {
            throw new IllegalArgumentException(
                    matrix.length + " weights for " + bins + " bins and " + bands + " bands");
        }
        this.bins = bins;
        first = new int[bands];
        weights = new float[bands][];
        for (int band = 0; band < bands; band++) {
            int begin = 0;
            int end = bins;
            while (begin < end && matrix[begin * bands + band] == 0) {
                begin++;
            }
            while (end > begin && matrix[(end - 1) * bands + band] == 0) {
                end--;
            }
            first[band] = begin;
            weights[band] = new float[end - begin];
            for (int bin = begin; bin < end; bin++) {
                weights[band][bin - begin] = matrix[bin * bands + band];
            }
        }
    }

    /**
     * Triangles whose sides are straight over mel (not over Hz), with edges equally spaced in mel, each band's middle being the neighbours'
     * edge, and no normalisation of their areas; mel(f) = 1127 ln(1 + f / 700). The bin at 0 Hz has no weight. So does TensorFlow's
     * tf.signal.linear_to_mel_weight_matrix.
     *
     * @param sampleRate samples per second
     * @param size samples of the Fourier transform; there are size / 2 + 1 bins
     * @param bands how many triangles
     * @param lowest lower edge of the lowest one in Hz
     * @param highest upper edge of the highest one in Hz
     */
    public static MelFilterbank straightInMel(int sampleRate, int size, int bands, double lowest, double highest) {
        int bins = size / 2 + 1;
        double bottom = mel(lowest);
        double step = (mel(highest) - bottom) / (bands + 1);
        float[] matrix = new float[bins * bands];
        for (int bin = 1; bin < bins; bin++) {
            double place =
                    (mel((double) bin * sampleRate / size) - bottom) / step; // band b rises from b, falls to b + 2
            for (int band = Math.max(0, (int) place - 1); band <= Math.min(bands - 1, place); band++) {
                matrix[bin * bands + band] = (float) Math.max(0, Math.min(place - band, band + 2 - place));
            }
        }
        return new MelFilterbank(matrix, bins, bands);
    }

    private static double mel(double hertz) {
        return 1127 * Math.log1p(hertz / 700);
    }

    /** Bins of a spectrum. */
    public int bins() {
        return bins;
    }

    /** Bands of a result. */
    public int bands() {
        return weights.length;
    }

    /** What a bin counts in a band. */
    public float weight(int bin, int band) {
        int at = bin - first[band];
        return at >= 0 && at < weights[band].length ? weights[band][at] : 0;
    }

    /**
     * Sums the bins of frames.
     *
     * @param spectra [frames, bins]
     * @param sums [frames, bands]; a band without weights is exactly 0
     */
    public void apply(float[] spectra, int frames, float[] sums) {
        for (int t = 0; t < frames; t++) {
            for (int band = 0; band < weights.length; band++) {
                float[] weight = weights[band];
                int from = t * bins + first[band];
                float sum = 0;
                for (int i = 0; i < weight.length; i++) {
                    sum += weight[i] * spectra[from + i];
                }
                sums[t * weights.length + band] = sum;
            }
        }
    }
}
