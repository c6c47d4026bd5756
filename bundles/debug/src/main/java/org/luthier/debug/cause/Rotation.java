package org.luthier.debug.cause;

import java.util.Arrays;

/**
 * Pairs of columns of each head rotated by place times frequency.
 *
 * @param heads side by side
 * @param frequencies of the first pairs of a head; the other columns are left
 * @param pixel whether places go from -1 to 1, or else are numbers of positions
 * @param halves whether a pair is a column of the first half of what is rotated and one of the second, or else two neighbours
 * @param sense 1, or -1 for the other way round
 * @param shift added to a number of a position
 */
record Rotation(int heads, double[] frequencies, boolean pixel, boolean halves, int sense, int shift) {
    private static final double PERIOD = 10000;

    /** What a task has; null if its frequencies are not known. */
    static Rotation of(Task task) {
        WeightSource.Weight weight = task.weight("frequencies");
        if (weight == null) {
            return null;
        }
        float[] values = weight.values();
        double[] frequencies = new double[values.length];
        Arrays.setAll(frequencies, i -> values[i]);
        return new Rotation(task.count("heads"), frequencies, task.is("pixel"), task.is("halves"), 1, 0);
    }

    /** 10000^(-2 i / size). */
    static double[] usual(int size) {
        double[] frequencies = new double[size / 2];
        Arrays.setAll(frequencies, i -> Math.pow(PERIOD, -2.0 * i / size));
        return frequencies;
    }

    /** From pi to 5 pi, evenly. */
    static double[] ofPixels(int size) {
        double[] frequencies = new double[size / 2];
        Arrays.setAll(
                frequencies, i -> Math.PI * (frequencies.length == 1 ? 1 : 1 + 4.0 * i / (frequencies.length - 1)));
        return frequencies;
    }

    Rotation frequencies(double[] others) {
        return new Rotation(heads, others, pixel, halves, sense, shift);
    }

    Rotation places(boolean otherPixel) {
        return new Rotation(heads, frequencies, otherPixel, halves, sense, shift);
    }

    Rotation pairs(boolean otherHalves) {
        return new Rotation(heads, frequencies, pixel, otherHalves, sense, shift);
    }

    Rotation back() {
        return new Rotation(heads, frequencies, pixel, halves, -sense, shift);
    }

    Rotation shifted(int by) {
        return new Rotation(heads, frequencies, pixel, halves, sense, by);
    }

    Rotation heads(int others) {
        return new Rotation(others, frequencies, pixel, halves, sense, shift);
    }

    /** x [positions, heads * size], rotated. */
    Field apply(Field x) {
        int positions = x.shape()[0];
        int size = x.width() / heads;
        int pairs = Math.min(frequencies.length, size / 2);
        return Field.of(x.shape(), index -> {
            double[] in = x.at(index);
            if (in == null) {
                return null;
            }
            double place = pixel ? positions == 1 ? -1 : -1 + 2.0 * index[0] / (positions - 1) : index[0] + shift;
            double[] y = in.clone();
            for (int head = 0; head < heads; head++) {
                for (int i = 0; i < pairs; i++) {
                    int a = head * size + (halves ? i : 2 * i);
                    int b = head * size + (halves ? i + pairs : 2 * i + 1);
                    double c = Math.cos(place * frequencies[i]);
                    double s = sense * Math.sin(place * frequencies[i]);
                    y[a] = in[a] * c - in[b] * s;
                    y[b] = in[b] * c + in[a] * s;
                }
            }
            return y;
        });
    }
}
