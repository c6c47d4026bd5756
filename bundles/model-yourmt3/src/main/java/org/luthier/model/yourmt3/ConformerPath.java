package org.luthier.model.yourmt3;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A Conformer that the frames go into as they are. */
final class ConformerPath implements SegmentEncoder {
    private final ConformerEncoder encoder;

    ConformerPath(
            YourMt3Configuration configuration,
            YourMt3Configuration.Conformer sizes,
            Kernels kernels,
            Weights weights) {
        encoder = new ConformerEncoder(
                SpectrogramFrontend.SPECTROGRAM,
                kernels,
                weights,
                sizes,
                configuration.audio().frames());
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
        private final Work work = new Work();

        @Override
        public void forward(INDArray x, INDArray y, Position at, Probe probe) {
            encoder.forward(x, y, work, at, probe);
        }

        @Override
        public void close() {
            work.close();
        }
    }
}
