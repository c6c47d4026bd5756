package org.luthier.model.yourmt3;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.LongStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.Scratch;
import org.luthier.nn.t5.Decoding;
import org.luthier.nn.t5.Sequences;
import org.luthier.nn.t5.StackMemory;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The decoding of a batch of segments, each of whose channels is a row. Its memory grows to the largest batch and is kept until closed. */
final class YourMt3Session implements Session {
    private final YourMt3Model model;
    private final YourMt3Configuration configuration;
    private final Probe probe;
    private final SegmentEncoder.Session encoder;
    private final StackMemory stack;
    private final Decoding decoding;
    private final Scratch memory = new Scratch();

    /** [segments, frames, model], of several channels [segments, channels, frames, model] */
    private INDArray encoded;

    YourMt3Session(YourMt3Model model, Probe probe) {
        this.model = model;
        this.configuration = model.configuration();
        this.probe = probe;
        encoder = model.encoder().open();
        stack = new StackMemory(configuration.decoder().stack());
        decoding = new Decoding(model.decoder(), model.kernels(), stack, probe);
    }

    @Override
    public void begin(INDArray features, Position at) {
        long frames = configuration.audio().frames();
        check("features", features, at, frames, configuration.audio().bands());
        encoded = memory.tensor(0, encodedShape(at.rows()));
        // One by one: what a layer leaves for the next stays in the cache, and memory is that of one segment.
        for (int i = 0; i < at.rows(); i++) {
            encoder.forward(segment(features, i), segment(encoded, i), at.some(i), probe);
        }
        decode(encoded, at);
    }

    private static INDArray segment(INDArray tensor, int number) {
        return tensor.get(NDArrayIndex.interval(number, number + 1));
    }

    private long[] encodedShape(int segments) {
        long frames = configuration.audio().frames();
        long width = configuration.decoder().model();
        int channels = configuration.channels();
        return channels == 1 ? new long[] {segments, frames, width} : new long[] {segments, channels, frames, width};
    }

    @Override
    public INDArray encoded() {
        return encoded;
    }

    @Override
    public void beginEncoded(INDArray kept, Position at) {
        long[] shape = encodedShape(at.rows());
        check("encodings", kept, at, Arrays.copyOfRange(shape, 1, shape.length));
        decode(kept, at);
    }

    private void decode(INDArray segments, Position at) {
        int channels = configuration.channels();
        long rows = (long) at.rows() * channels;
        decoding.begin(
                Sequences.of(segments.reshape(
                        'c',
                        rows,
                        configuration.audio().frames(),
                        configuration.decoder().model())),
                at.parts(channels));
    }

    private void check(String what, INDArray x, Position at, long... segment) {
        long[] expected = LongStream.concat(LongStream.of(at.rows()), LongStream.of(segment))
                .toArray();
        if (!Arrays.equals(x.shape(), expected)) {
            throw new LuthierException(what + " of shape " + Arrays.toString(x.shape()) + " are not for model "
                    + model.definition().id() + ": expected " + Arrays.toString(expected));
        }
    }

    @Override
    public int rows() {
        return decoding.rows();
    }

    @Override
    public void prefill(List<? extends IntList> prompts) {
        decoding.prefill(prompts);
    }

    @Override
    public int[] step(int[] ids, BitSet[] allowed) {
        return decoding.step(ids, allowed);
    }

    @Override
    public INDArray logits() {
        return decoding.logits();
    }

    @Override
    public void reorder(int[] sources) {
        decoding.reorder(sources);
    }

    @Override
    public void retain(int[] kept) {
        decoding.reorder(kept);
    }

    @Override
    public void close() {
        decoding.close();
        encoder.close();
        stack.close();
        memory.close();
    }
}
