package org.luthier.debug.faults;

import java.util.List;
import java.util.function.UnaryOperator;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;

/**
 * A mistake that somebody could make, how it is made, and what the debugger is expected to say of it.
 *
 * @param id short and unique
 * @param what in a few words
 * @param located the tensor that has to be named first
 * @param cause how the likeliest cause has to begin; null for a mistake that is on no list of causes
 * @param injection how it is made
 * @param cached whether it is a mistake of decoding step by step, which shows when such a run is compared with one of all steps at once
 */
record Fault(String id, String what, String located, String cause, Injection injection, boolean cached) {
    /** How a fault is made. */
    sealed interface Injection {}

    /** Other weights. */
    record OfWeights(UnaryOperator<Values> change) implements Injection {}

    /**
     * Another computation of a tensor, which what follows is fed.
     *
     * @param tap the tensor
     * @param inputs what it is computed from
     */
    record OfComputation(String tap, List<String> inputs, Computed computed) implements Injection {}

    /** Other samples than those that the front end was given, [rows * window]. */
    record OfSamples(UnaryOperator<float[]> change) implements Injection {}

    /** A session that does something else than it is told. */
    record OfDecoding(Decoding change) implements Injection {}

    /** Opens a session that does something else. */
    interface Decoding {
        /** @param probe sees what happens, as if nothing were wrong */
        Session open(TokenModel model, int rows, Probe probe);
    }

    /** A wrong computation. */
    interface Computed {
        /**
         * Computes all numbers of a tensor anew.
         *
         * @param right what the layer made, a copy
         * @param inputs in the order of the injection
         * @param weights of the model
         */
        float[] of(Tensor right, List<Tensor> inputs, Values weights);
    }

    /** A tensor as it was tapped. */
    record Tensor(int[] shape, float[] values) {
        int size(int axis) {
            return shape[axis];
        }

        int width() {
            return shape[shape.length - 1];
        }

        /** Vectors along the last axis. */
        int vectors() {
            return values.length / width();
        }
    }

    /** The same, where the wrong computation shows later: scores behind a mask are not judged. */
    Fault shownAt(String tensor) {
        return new Fault(id, what, tensor, cause, injection, cached);
    }

    static Fault weights(String id, String what, String located, String cause, UnaryOperator<Values> change) {
        return new Fault(id, what, located, cause, new OfWeights(change), false);
    }

    static Fault computation(String id, String what, String tap, List<String> inputs, String cause, Computed computed) {
        return new Fault(id, what, tap, cause, new OfComputation(tap, inputs, computed), false);
    }

    static Fault samples(String id, String what, String located, String cause, UnaryOperator<float[]> change) {
        return new Fault(id, what, located, cause, new OfSamples(change), false);
    }

    static Fault decoding(String id, String what, String located, String cause, boolean cached, Decoding change) {
        return new Fault(id, what, located, cause, new OfDecoding(change), cached);
    }
}
