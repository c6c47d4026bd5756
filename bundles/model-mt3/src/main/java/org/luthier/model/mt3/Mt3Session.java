package org.luthier.model.mt3;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.t5.Batch;
import org.luthier.nn.t5.DecoderState;
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
    private final DecoderState state = new DecoderState();
    private final Memory outputs = new Memory();

    /** [segments, frames, model] */
    private Sequences encoded;
    /** [rows, 1, output rows] */
    private Sequences logits;
    /** Which segment each row is of, at no particular step. */
    private Position rows;

    Mt3Session(Mt3Model model, Probe probe) {
        this.model = model;
        this.configuration = model.configuration();
        this.probe = probe;
        this.stack = new StackMemory(configuration.sizes());
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
                            some(at, IntStream.range(from, end)),
                            probe);
        }
        decode(encoded, at);
    }

    @Override
    public INDArray encoded() {
        return encoded.shaped();
    }

    @Override
    public void beginEncoded(INDArray kept, Position at) {
        check("encodings", kept, at, configuration.sizes().model());
        decode(Sequences.of(kept), at);
    }

    /** @param segments [segments, frames, model] */
    private void decode(Sequences segments, Position at) {
        rows = at;
        logits = null;
        model.decoder().begin(segments, state, stack.scratch(), at, probe);
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
        return state.rows();
    }

    @Override
    public void prefill(List<? extends IntList> prompts) {
        int length = prompts.isEmpty() ? 0 : prompts.get(0).size();
        if (prompts.size() != rows() || prompts.stream().anyMatch(prompt -> prompt.size() != length)) {
            throw new IllegalArgumentException("expected " + rows() + " prompts of one length, got "
                    + prompts.stream().map(IntList::size).toList());
        }
        if (length > 0) {
            int[] ids = prompts.stream()
                    .flatMapToInt(prompt -> IntStream.of(prompt.toArray()))
                    .toArray(); // [rows * length]
            feed(ids, length, model.decoder().wantsLogits(probe));
        }
    }

    @Override
    public int[] step(int[] ids, BitSet[] allowed) {
        if (ids.length != rows()) {
            throw new IllegalArgumentException("expected " + rows() + " ids, got " + ids.length);
        }
        logits = feed(ids, 1, true);
        return model.kernels().argmax(logits.flat(), allowed);
    }

    /** Feeds ids [rows * length] and returns the logits [rows, length, output rows], or null. */
    private Sequences feed(int[] ids, int length, boolean wanted) {
        Batch batch = stack.batch(rows(), length);
        Sequences y = wanted ? outputs.sequences(rows(), length, model.decoder().ids()) : null;
        model.decoder().forward(ids, state, batch, y, rows.at(state.length()), probe);
        return y;
    }

    @Override
    public INDArray logits() {
        return logits.flat();
    }

    @Override
    public void reorder(int[] sources) {
        state.reorder(sources);
        rows = some(rows, IntStream.of(sources));
    }

    @Override
    public void retain(int[] kept) {
        reorder(kept);
    }

    private static Position some(Position at, IntStream rows) {
        return new Position(IntLists.immutable.ofAll(rows.map(at.slots()::get)), at.channels(), at.step());
    }

    @Override
    public void close() {
        state.close();
        stack.close();
        encodings.close();
        outputs.close();
    }
}
