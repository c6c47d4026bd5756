package org.luthier.model.yourmt3;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes of a segment's spectrogram what a decoder attends to. */
sealed interface SegmentEncoder extends AutoCloseable permits PerceiverPath, T5Path, ConformerPath {
    /** The one of a configuration; takes its weights. */
    static SegmentEncoder of(YourMt3Configuration configuration, Kernels kernels, Weights weights) {
        if (configuration.encoder() instanceof YourMt3Configuration.Perceiver perceiver) {
            return new PerceiverPath(configuration, perceiver, kernels, weights);
        }
        if (configuration.encoder() instanceof YourMt3Configuration.T5 stack) {
            return new T5Path(configuration, stack, kernels, weights);
        }
        return new ConformerPath(
                configuration, (YourMt3Configuration.Conformer) configuration.encoder(), kernels, weights);
    }

    /** Its layers, in the order of execution. */
    List<Layer> layers();

    /** Name of what it makes. */
    String output();

    /** What one session works in. */
    Session open();

    @Override
    void close();

    /** The encoding of segments by one thread. */
    interface Session extends AutoCloseable {
        /**
         * Encodes.
         *
         * @param x [rows, frames, bands]
         * @param y [rows, frames, model], of several channels [rows, channels, frames, model]; row-major, overwritten
         */
        void forward(INDArray x, INDArray y, Position at, Probe probe);

        @Override
        void close();
    }
}
