package org.luthier.model.yourmt3;

import java.util.List;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Convolutions, a Perceiver-TF, and what makes vectors for a decoder of its latents. */
final class PerceiverPath implements SegmentEncoder {
    private final YourMt3Configuration.Perceiver sizes;
    private final int frames;
    private final int frequencies;
    private final PreEncoder preEncoder;
    private final PerceiverEncoder encoder;
    private final PreDecoder preDecoder;

    PerceiverPath(
            YourMt3Configuration configuration,
            YourMt3Configuration.Perceiver sizes,
            Kernels kernels,
            Weights weights) {
        this.sizes = sizes;
        frames = configuration.audio().frames();
        preEncoder = PreEncoder.of(configuration, SpectrogramFrontend.SPECTROGRAM, kernels, weights);
        frequencies = preEncoder.frequencies(configuration.audio().bands());
        encoder = new PerceiverEncoder(
                PreEncoder.OUT,
                kernels,
                weights,
                sizes,
                frames,
                sizes.overChannels() ? preEncoder.channels() : frequencies);
        preDecoder = PreDecoder.of(configuration, PerceiverEncoder.OUT, kernels, weights);
    }

    @Override
    public List<Layer> layers() {
        return List.of(preEncoder, encoder, preDecoder);
    }

    @Override
    public String output() {
        return PreDecoder.OUT;
    }

    @Override
    public SegmentEncoder.Session open() {
        return new Session();
    }

    @Override
    public void close() {
        preEncoder.close();
        encoder.close();
        preDecoder.close();
    }

    private final class Session implements SegmentEncoder.Session {
        private final Work work = new Work();

        @Override
        public void forward(INDArray x, INDArray y, Position at, Probe probe) {
            long rows = x.size(0);
            INDArray spectrum = work.tensor(Work.Slot.PRE_ENCODED, rows, frames, frequencies, preEncoder.channels());
            preEncoder.forward(x, spectrum, work, at, probe);
            INDArray latents = work.tensor(Work.Slot.LATENTS, rows, frames, sizes.latents(), sizes.width());
            encoder.forward(spectrum, latents, work, at, probe);
            preDecoder.forward(latents, y, work, at, probe);
        }

        @Override
        public void close() {
            work.close();
        }
    }
}
