package org.luthier.nn;

/** What is done to every element after a linear step. */
public enum Activation {
    /** x. */
    NONE,
    /** max(0, x). */
    RELU,
    /** 1 / (1 + exp(-x)). */
    SIGMOID
}
