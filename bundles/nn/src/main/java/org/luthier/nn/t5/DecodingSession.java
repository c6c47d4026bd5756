package org.luthier.nn.t5;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The decoding half of a session: rows that a decoder writes ids for, what it remembers of them, and the memory that it works in. A family
 * adds how segments are encoded.
 */
public abstract class DecodingSession implements Session {
    private final DecoderStack decoder;
    private final Kernels kernels;
    private final StackMemory stack;
    private final Probe probe;
    private final DecoderState state = new DecoderState();
    private final Memory outputs = new Memory();

    /** [rows, 1, ids] */
    private Sequences logits;
    /** Which slot each row is of, at no particular step. */
    private Position rows;

    /**
     * Prepares to decode.
     *
     * @param sizes of the decoder
     * @param probe sees what is computed
     */
    protected DecodingSession(DecoderStack decoder, Kernels kernels, T5Sizes sizes, Probe probe) {
        this.decoder = decoder;
        this.kernels = kernels;
        this.stack = new StackMemory(sizes);
        this.probe = probe;
    }

    /** What the decoder works in; an encoder of the same sizes may work there before it begins. */
    protected final StackMemory stack() {
        return stack;
    }

    /** What sees the intermediates. */
    protected final Probe probe() {
        return probe;
    }

    /**
     * Refuses a tensor of another shape.
     *
     * @param what it is, for the message
     * @param segment shape of one segment
     */
    protected static void check(ModelDefinition model, String what, INDArray x, Position at, long... segment) {
        long[] expected = LongStream.concat(LongStream.of(at.rows()), LongStream.of(segment))
                .toArray();
        if (!Arrays.equals(x.shape(), expected)) {
            throw new LuthierException(what + " of shape " + Arrays.toString(x.shape()) + " are not for model "
                    + model.id() + ": expected " + Arrays.toString(expected) + ", segments first");
        }
    }

    /**
     * Begins with new rows.
     *
     * @param encoded what an encoder made [rows, encoder length, model]; not used after the call
     */
    protected final void decode(Sequences encoded, Position at) {
        rows = at;
        logits = null;
        decoder.begin(encoded, state, stack.scratch(), at, probe);
    }

    @Override
    public final int rows() {
        return state.rows();
    }

    @Override
    public final void prefill(List<? extends IntList> prompts) {
        int length = prompts.isEmpty() ? 0 : prompts.get(0).size();
        if (prompts.size() != rows() || prompts.stream().anyMatch(prompt -> prompt.size() != length)) {
            throw new IllegalArgumentException("expected " + rows() + " prompts of one length, got "
                    + prompts.stream().map(IntList::size).toList());
        }
        if (length > 0) {
            int[] ids = prompts.stream()
                    .flatMapToInt(prompt -> IntStream.of(prompt.toArray()))
                    .toArray(); // [rows * length]
            feed(ids, length, decoder.wantsLogits(probe));
        }
    }

    @Override
    public final int[] step(int[] ids, BitSet[] allowed) {
        if (ids.length != rows()) {
            throw new IllegalArgumentException("expected " + rows() + " ids, got " + ids.length);
        }
        logits = feed(ids, 1, true);
        return kernels.argmax(logits.flat(), allowed);
    }

    /** Feeds ids [rows * length] and returns the logits [rows, length, ids], or null. */
    private Sequences feed(int[] ids, int length, boolean wanted) {
        Batch batch = stack.batch(rows(), length);
        Sequences y = wanted ? outputs.sequences(rows(), length, decoder.ids()) : null;
        decoder.forward(ids, state, batch, y, rows.at(state.length()), probe);
        return y;
    }

    @Override
    public final INDArray logits() {
        return logits.flat();
    }

    @Override
    public final void reorder(int[] sources) {
        state.reorder(sources);
        rows = rows.some(sources);
    }

    @Override
    public final void retain(int[] kept) {
        reorder(kept);
    }

    /** Forgets the rows and frees what they were in. */
    @Override
    public void close() {
        state.close();
        outputs.close();
        stack.close();
    }
}
