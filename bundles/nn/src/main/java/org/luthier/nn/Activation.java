package org.luthier.nn;

import java.util.Locale;

/** What is done to every element after a linear step. */
public enum Activation {
    /** x. */
    NONE,
    /** max(0, x). */
    RELU,
    /** 1 / (1 + exp(-x)). */
    SIGMOID,
    /** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), the GELU of T5 (Hendrycks and Gimpel 2016). */
    GELU_TANH,
    /** 0.5 x (1 + erf(x / sqrt(2))), the GELU itself: x times how likely a normal number is below x (Hendrycks and Gimpel 2016). */
    GELU_ERF,
    /** x / (1 + exp(-x)) (Elfwing et al. 2017). */
    SILU;

    /** As {@link org.luthier.api.model.Computation} writes it, for example {@code "gelu_tanh"}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
