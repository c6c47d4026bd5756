package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A factor that somebody may have forgotten, or applied twice.
 *
 * @param text as a formula
 */
record Factor(double value, String text) {
    /** How near a measured factor has to be to a named one, relative to it. */
    private static final double NEAR = 2e-3;

    /** Factors that have to do with sizes: of a head, of inputs, of outputs; 0 for one that there is not. */
    static List<Factor> of(int... sizes) {
        List<Factor> factors = new ArrayList<>();
        factors.add(new Factor(-1, "-1"));
        factors.add(new Factor(2, "2"));
        factors.add(new Factor(0.5, "1/2"));
        for (int size : sizes) {
            if (size > 1) {
                factors.add(new Factor(1 / Math.sqrt(size), "1/sqrt(" + size + ")"));
                factors.add(new Factor(Math.sqrt(size), "sqrt(" + size + ")"));
            }
        }
        factors.add(new Factor(4, "4"));
        factors.add(new Factor(0.25, "1/4"));
        factors.add(new Factor(Math.sqrt(2), "sqrt(2)"));
        factors.add(new Factor(Math.sqrt(0.5), "1/sqrt(2)"));
        factors.add(new Factor(Math.log(10), "ln(10)"));
        factors.add(new Factor(1 / Math.log(10), "1/ln(10)"));
        factors.add(new Factor(20 / Math.log(10), "20/ln(10)"));
        factors.add(new Factor(Math.log(10) / 20, "ln(10)/20"));
        factors.add(new Factor(10 / Math.log(10), "10/ln(10)"));
        factors.add(new Factor(Math.log(10) / 10, "ln(10)/10"));
        for (int size : sizes) {
            if (size > 1) {
                factors.add(new Factor(size, Integer.toString(size)));
                factors.add(new Factor(1.0 / size, "1/" + size));
            }
        }
        for (int bits : new int[] {32768, 32767, 255, 10, 100}) {
            factors.add(new Factor(bits, Integer.toString(bits)));
            factors.add(new Factor(1.0 / bits, "1/" + bits));
        }
        return factors;
    }

    /** A measured factor by the name of the one that it is near to, or by its number. */
    static Factor named(double value, int... sizes) {
        return of(sizes).stream()
                .filter(factor -> Math.abs(value - factor.value()) <= NEAR * Math.abs(factor.value()))
                .findFirst()
                .orElse(new Factor(value, String.format(Locale.ROOT, "%.4g", value)));
    }

    /** A thing multiplied by it. */
    Variant variant(String what, Field field) {
        boolean sign = value == -1;
        return new Variant(
                sign ? "sign" : "missing or doubled scale",
                what + " times " + text,
                "it without that factor",
                sign
                        ? "look for a minus, or a subtraction for a sum"
                        : "look for a scale that is applied twice, or on one side only",
                field);
    }
}
