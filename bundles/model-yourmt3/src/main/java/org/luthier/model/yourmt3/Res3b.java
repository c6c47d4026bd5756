package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Computation;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Convolution;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Three residual blocks over a spectrogram as an image; its frequencies become an eighth. Tap: {@code NAME.out} [rows, time, frequency, channels]. */
final class Res3b implements PreEncoder {
    static final int BLOCKS = 3;

    private final String name;
    private final String out;
    private final int channels;
    private final List<ResidualBlock> blocks = new ArrayList<>();

    /**
     * Takes the weights.
     *
     * @param input name of the spectrogram
     * @param kernelTime times that a convolution sees: 1 or 3
     * @param kernelFrequency frequencies that a convolution sees: 1 or 3
     * @param incoming what convolutions of the spectrogram tell of what is done to it before; nothing of most
     */
    Res3b(
            String name,
            String input,
            Kernels kernels,
            Weights weights,
            int channels,
            int kernelTime,
            int kernelFrequency,
            Map<String, Object> incoming) {
        this.name = name;
        this.out = name + ".out";
        this.channels = channels;
        Convolution.Shape shape = new Convolution.Shape(
                kernelTime, kernelFrequency, channels, channels, 1, kernelTime / 2, kernelFrequency / 2);
        String from = input;
        for (int i = 0; i < BLOCKS; i++) {
            ResidualBlock block = new ResidualBlock(
                    name + ".block" + i,
                    from,
                    kernels,
                    weights,
                    i == 0 ? 1 : channels,
                    shape,
                    i == 0 ? incoming : Map.of());
            blocks.add(block);
            from = block.output();
        }
    }

    @Override
    public int frequencies(int bands) {
        return bands >> BLOCKS;
    }

    @Override
    public int channels() {
        return channels;
    }

    @Override
    public void forward(INDArray x, INDArray y, Work work, Position at, Probe probe) {
        INDArray image = x.reshape('c', x.size(0), x.size(1), x.size(2), 1); // [rows, time, bands, 1]
        for (int i = 0; i < BLOCKS; i++) {
            boolean last = i == BLOCKS - 1;
            Work.Slot slot = i % 2 == 0 ? Work.Slot.IMAGE : Work.Slot.NEXT_IMAGE;
            INDArray next = last ? y : work.tensor(slot, image.size(0), image.size(1), image.size(2) / 2, channels);
            blocks.get(i).forward(image, next, work, at, probe);
            image = next;
        }
        probe.offer(out, at, y);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Layer> children() {
        return List.copyOf(blocks);
    }

    @Override
    public List<String> taps() {
        return List.of(out);
    }

    @Override
    public List<Computation> computations() {
        return List.of(new Computation(
                out,
                Computation.REARRANGEMENT,
                List.of(blocks.get(BLOCKS - 1).output()),
                Map.of(),
                Map.of("pattern", "b c t f -> b t f c")));
    }

    @Override
    public void close() {
        blocks.forEach(ResidualBlock::close);
    }
}
