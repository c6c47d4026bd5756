package org.luthier.model.yourmt3;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.luthier.nn.t5.EncoderStack;
import org.luthier.nn.t5.Sequences;
import org.luthier.nn.t5.StackMemory;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A stack of T5 that the frames go into as they are. */
final class T5Path implements SegmentEncoder {
    private final YourMt3Configuration.T5 sizes;
    private final EncoderStack encoder;

    T5Path(YourMt3Configuration configuration, YourMt3Configuration.T5 sizes, Kernels kernels, Weights weights) {
        this.sizes = sizes;
        encoder = new EncoderStack(
                "encoder",
                SpectrogramFrontend.SPECTROGRAM,
                kernels,
                weights,
                sizes.stack(),
                sizes.form(1),
                sizes.layers(),
                0,
                sizes.positions());
    }

    @Override
    public List<Layer> layers() {
        return List.of(encoder);
    }

    @Override
    public String output() {
        return encoder.output();
    }

    @Override
    public SegmentEncoder.Session open() {
        return new Session();
    }

    @Override
    public void close() {
        encoder.close();
    }

    private final class Session implements SegmentEncoder.Session {
        private final StackMemory memory = new StackMemory(sizes.stack());

        @Override
        public void forward(INDArray x, INDArray y, Position at, Probe probe) {
            encoder.forward(
                    Sequences.of(x), memory.batch((int) x.size(0), (int) x.size(1)), Sequences.of(y), at, probe);
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
