package org.luthier.model.yourmt3;

import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What an attention knows of where its queries and keys stand: they are rotated (Su et al. 2021), or keys count less with their distance
 * (Press et al. 2022), or it knows nothing.
 *
 * @param bias added to the scores [heads, queries, keys], or null
 * @param queries rotation of the queries, or null
 * @param keys rotation of the keys, or null
 * @param weight name of the frequencies or slopes, or null where they are not trained
 * @param pixel whether places of a rotation go from -1 to 1
 */
record Places(INDArray bias, Rotation queries, Rotation keys, String weight, boolean pixel) implements AutoCloseable {
    static final Places UNKNOWN = new Places(null, null, null, null, false);

    /**
     * Angles of pairs of neighbouring columns.
     *
     * @param cosines [positions, pairs]
     * @param sines [positions, pairs]
     */
    record Rotation(INDArray cosines, INDArray sines) implements AutoCloseable {
        /**
         * Place times frequency.
         *
         * @param pixel whether places go from -1 to 1, or else are numbers of positions
         */
        static Rotation of(float[] frequencies, boolean pixel, int positions) {
            int pairs = frequencies.length;
            float[] cosines = new float[positions * pairs];
            float[] sines = new float[positions * pairs];
            for (int i = 0; i < cosines.length; i++) {
                int position = i / pairs;
                double place = pixel ? positions == 1 ? -1 : -1 + 2.0 * position / (positions - 1) : position;
                cosines[i] = (float) Math.cos(place * frequencies[i % pairs]);
                sines[i] = (float) Math.sin(place * frequencies[i % pairs]);
            }
            long[] shape = {positions, pairs};
            return new Rotation(Nd4j.create(cosines, shape, 'c'), Nd4j.create(sines, shape, 'c'));
        }

        /** x: [rows, positions, heads * size]; changed. */
        void apply(Kernels kernels, INDArray x, int heads) {
            kernels.rotate(x, heads, false, cosines, sines);
        }

        @Override
        public void close() {
            cosines.close();
            sines.close();
        }
    }

    /**
     * Keys count less with their distance, where the last query stands beside the last key.
     *
     * @param slopes for each head
     * @param scale that products of queries and keys are multiplied with, and the distances too
     */
    static Places distances(double[] slopes, float scale, int queries, int keys) {
        float[] bias = new float[slopes.length * queries * keys];
        for (int i = 0; i < bias.length; i++) {
            int key = i % keys;
            int query = i / keys % queries;
            bias[i] = (float) (-slopes[i / keys / queries] * Math.abs(key - (query + keys - queries)) * scale);
        }
        return new Places(Nd4j.create(bias, new long[] {slopes.length, queries, keys}, 'c'), null, null, null, false);
    }

    /** The same with the name of its weight. */
    Places named(String name) {
        return new Places(bias, queries, keys, name, pixel);
    }

    /** 2^(-8 (h + 1) / heads) where heads are a power of two; else those of the next lower one, then every other one of the next higher one. */
    static double[] slopes(int heads) {
        int lower = Integer.highestOneBit(heads);
        double[] slopes = new double[heads];
        for (int h = 0; h < heads; h++) {
            slopes[h] = h < lower
                    ? Math.pow(2, -8.0 * (h + 1) / lower)
                    : Math.pow(2, -8.0 * (2 * (h - lower) + 1) / (2 * lower));
        }
        return slopes;
    }

    /** NOTE: of trained slopes only the first head's counts. The model was trained with that. */
    static double[] trained(float[] slopes) {
        double[] result = new double[slopes.length];
        result[0] = 1 / (1 + Math.exp(-slopes[0]));
        return result;
    }

    @Override
    public void close() {
        if (bias != null) {
            bias.close();
        }
        if (queries != null) {
            queries.close();
        }
        if (keys != null) {
            keys.close();
        }
    }
}
