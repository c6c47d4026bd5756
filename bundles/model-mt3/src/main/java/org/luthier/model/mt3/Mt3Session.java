package org.luthier.model.mt3;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.t5.Decoding;
import org.luthier.nn.t5.Memory;
import org.luthier.nn.t5.Sequences;
import org.luthier.nn.t5.StackMemory;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The decoding of a batch of segments. Its memory grows to the largest batch and is kept until closed. */
final class Mt3Session implements Session {
    /**
     * Segments that are encoded at once. Products of the vectors of one segment are as fast as larger ones, and what a layer leaves for the
     * next stays in the cache.
     */
    private static final int ENCODED_AT_ONCE = 1;

    private final Mt3Model model;
    private final Mt3Configuration configuration;
    private final Probe probe;
    private final StackMemory stack;
    private final Memory encodings = new Memory();
    private final Decoding decoding;

    /** [segments, frames, model] */
    private Sequences encoded;

    Mt3Session(Mt3Model model, Probe probe) {
        this.model = model;
        this.configuration = model.configuration();
        this.probe = probe;
        this.stack = new StackMemory(configuration.sizes());
        this.decoding = new Decoding(model.decoder(), model.kernels(), stack, probe);
    }

    @Override
    public void begin(INDArray features, Position at) {
        check("features", features, at, Mt3Frontend.BANDS);
        int segments = at.rows();
        int frames = configuration.segmentFrames();
        encoded = encodings.sequences(segments, frames, configuration.sizes().model());
        for (int from = 0; from < segments; from += ENCODED_AT_ONCE) {
            int end = Math.min(from + ENCODED_AT_ONCE, segments);
            model.encoder()
                    .forward(
                            Sequences.of(features.get(interval(from, end), all(), all())), // [rows, frames, bands]
                            stack.batch(end - from, frames),
                            encoded.rows(from, end), // [rows, frames, model]
                            at.some(IntStream.range(from, end).toArray()),
                            probe);
        }
        decoding.begin(encoded, at);
    }

    @Override
    public INDArray encoded() {
        return encoded.shaped();
    }

    @Override
    public void beginEncoded(INDArray kept, Position at) {
        check("encodings", kept, at, configuration.sizes().model());
        decoding.begin(Sequences.of(kept), at);
    }

    private void check(String what, INDArray x, Position at, int width) {
        long[] expected = {at.rows(), configuration.segmentFrames(), width};
        if (!Arrays.equals(x.shape(), expected)) {
            throw new LuthierException(what + " of shape " + Arrays.toString(x.shape()) + " are not for model "
                    + model.definition().id() + ": expected " + Arrays.toString(expected)
                    + " [segments, frames, width]");
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
        stack.close();
        encodings.close();
    }
}
