package org.luthier.debug.cause;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/** Activations in double, by the words that computations use, and some that none should. */
final class Functions {
    /** The activations there are, the words of computations first. */
    static final Map<String, DoubleUnaryOperator> ACTIVATIONS = Map.of(
            "none", x -> x,
            "relu", x -> Math.max(0, x),
            "sigmoid", Functions::sigmoid,
            "gelu_tanh", x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
            "gelu_erf", x -> 0.5 * x * (1 + erf(x / Math.sqrt(2))),
            "gelu_sigmoid", x -> x * sigmoid(1.702 * x),
            "silu", x -> x * sigmoid(x),
            "tanh", Math::tanh);

    static final List<String> GELUS = List.of("gelu_tanh", "gelu_erf", "gelu_sigmoid");

    private Functions() {}

    static DoubleUnaryOperator activation(String word) {
        return ACTIVATIONS.get(word);
    }

    /** What an activation was given, where that can be told from what it made; else NaN. */
    static double inverse(String word, double y) {
        return switch (word) {
            case "none" -> y;
            case "relu" -> y > 0 ? y : Double.NaN;
            case "sigmoid" -> y > 1e-4 && y < 1 - 1e-4 ? Math.log(y / (1 - y)) : Double.NaN;
            case "tanh" -> Math.abs(y) < 0.999 ? 0.5 * Math.log((1 + y) / (1 - y)) : Double.NaN;
            // These rise from where they are above 0.
            default -> y > 0.01 ? rising(activation(word), y) : Double.NaN;
        };
    }

    private static double rising(DoubleUnaryOperator function, double y) {
        double low = 0;
        double high = y + 4;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (function.applyAsDouble(middle) < y) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** The error function; its series of positive terms loses nothing. */
    static double erf(double x) {
        if (Math.abs(x) > 6) {
            return Math.signum(x);
        }
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }
}
