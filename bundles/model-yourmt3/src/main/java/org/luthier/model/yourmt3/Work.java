package org.luthier.model.yourmt3;

import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The memory of one worker: tensors that grow to their largest use, and what kernels work in. */
final class Work implements AutoCloseable {
    /** Tensors that are in use at one time. */
    enum Slot {
        /** The image that a pre-encoder pads. */
        PADDED,
        /** What its windows are cut from. */
        WINDOWED,
        /** What goes into a residual block, and what comes out of it; by turns. */
        IMAGE,
        NEXT_IMAGE,
        /** Inside a residual block. */
        FIRST_CONVOLUTION,
        SECOND_CONVOLUTION,
        /** What comes out of a pre-encoder, and out of an encoder. */
        PRE_ENCODED,
        LATENTS,
        /** What a projection to the decoder arranges. */
        ARRANGED,
        /** The outputs of one group of a projection. */
        GROUP,
        /** What latents attend to. */
        SOURCE,
        NORMALISED_SOURCE,
        /** Latents, the latents of a time side by side or the times of a latent, by turns. */
        BY_TIME,
        BY_LATENT,
        /** What a part of a transformer works on. */
        NORMALISED,
        QUERIES,
        KEYS,
        VALUES,
        CONTEXT,
        /** Inside a feed-forward layer. */
        GATE,
        UP,
        FED_FORWARD
    }

    private final Scratch tensors = new Scratch();
    private final Scratch scratch = new Scratch();

    /** A tensor of a shape, row-major, not cleared. Valid until the slot is asked for again. */
    INDArray tensor(Slot slot, long... shape) {
        return tensors.tensor(slot.ordinal(), shape);
    }

    /** All vectors of a tensor [rows, length, width] as the lines of one matrix. */
    static INDArray flat(INDArray x) {
        return x.reshape('c', x.size(0) * x.size(1), x.size(2));
    }

    /** The vectors of a tensor times a matrix, in a slot. */
    INDArray projected(Projection projection, INDArray x, Slot slot) {
        INDArray y = tensor(slot, x.size(0), x.size(1), projection.outputs());
        projection.apply(flat(x), flat(y), scratch);
        return y;
    }

    /** What kernels work in. */
    Scratch scratch() {
        return scratch;
    }

    /** Frees all of it. */
    @Override
    public void close() {
        tensors.close();
        scratch.close();
    }
}
