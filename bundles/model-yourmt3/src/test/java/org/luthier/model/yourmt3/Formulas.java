package org.luthier.model.yourmt3;

import java.util.Arrays;
import java.util.Map;
import org.luthier.model.yourmt3.YourMt3Configuration.Nonlinearity;

/** What the layers are made of, of one vector and in double, by the weights that a model took. */
final class Formulas {
    private static final double EPSILON = 1e-5;

    private final Map<String, float[]> weights;

    Formulas(SeededWeights weights) {
        this.weights = weights.taken;
    }

    float[] weight(String name) {
        float[] weight = weights.get(name);
        if (weight == null) {
            throw new AssertionError("no weight " + name + " was taken, only " + weights.keySet());
        }
        return weight;
    }

    double weight(String name, int index) {
        return weight(name)[index];
    }

    /** x times a matrix [inputs, outputs], plus a bias if there is one. */
    double[] linear(String name, double[] x) {
        float[] matrix = weight(name + ".weight");
        int outputs = matrix.length / x.length;
        double[] y = new double[outputs];
        for (int o = 0; o < outputs; o++) {
            y[o] = weights.containsKey(name + ".bias") ? weight(name + ".bias", o) : 0;
            for (int i = 0; i < x.length; i++) {
                y[o] += x[i] * matrix[i * outputs + o];
            }
        }
        return y;
    }

    /** With the mean, or without it and a bias. */
    double[] norm(String name, boolean rms, double[] x) {
        double mean = rms ? 0 : Arrays.stream(x).average().orElseThrow();
        double squares = Arrays.stream(x)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElseThrow();
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (x[i] - mean) / Math.sqrt(squares + EPSILON) * weight(name + ".scale", i)
                    + (rms ? 0 : weight(name + ".bias", i));
        }
        return y;
    }

    static double activated(Nonlinearity nonlinearity, double x) {
        return switch (nonlinearity) {
            case RELU -> Math.max(0, x);
            case SILU -> x / (1 + Math.exp(-x));
            case GELU -> x / 2 * (1 + erf(x / Math.sqrt(2)));
        };
    }

    static double[] activated(Nonlinearity nonlinearity, double[] x) {
        return Arrays.stream(x).map(value -> activated(nonlinearity, value)).toArray();
    }

    /** By its series, which is good to 1e-9 below 4; beyond that it is 1. */
    private static double erf(double x) {
        if (Math.abs(x) > 4) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; n < 100; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return sum * 2 / Math.sqrt(Math.PI);
    }

    static double[] added(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }
}
