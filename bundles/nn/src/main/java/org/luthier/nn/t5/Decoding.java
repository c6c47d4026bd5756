package org.luthier.nn.t5;

import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The decoding half of a session: rows that a decoder writes ids for, what it remembers of them, and the memory that it works in. Used by
 * one thread. What it is asked for is as {@link org.luthier.api.model.Session} says.
 */
public final class Decoding implements AutoCloseable {
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
     * @param stack of the decoder's sizes; the caller closes it
     * @param probe sees what the decoder computes
     */
    public Decoding(DecoderStack decoder, Kernels kernels, StackMemory stack, Probe probe) {
        this.decoder = decoder;
        this.kernels = kernels;
        this.stack = stack;
        this.probe = probe;
    }

    /**
     * Begins with new rows.
     *
     * @param encoded what an encoder made [rows, encoder length, model]; not used after the call
     */
    public void begin(Sequences encoded, Position at) {
        rows = at;
        logits = null;
        decoder.begin(encoded, state, stack.scratch(), at, probe);
    }

    /** Rows still in the batch. */
    public int rows() {
        return state.rows();
    }

    /** Feeds prompts of one common length without choosing anything. */
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
            feed(ids, length, decoder.wantsLogits(probe));
        }
    }

    /** Feeds one id a row and chooses the next, of those that are allowed. */
    public int[] step(int[] ids, BitSet[] allowed) {
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

    /** The logits of the last step, [rows, ids]. */
    public INDArray logits() {
        return logits.flat();
    }

    /** Makes row i continue what row {@code sources[i]} did. */
    public void reorder(int[] sources) {
        state.reorder(sources);
        rows = rows.some(sources);
    }

    /** Forgets the rows and frees what they were in, but not the stack's memory. */
    @Override
    public void close() {
        state.close();
        outputs.close();
    }
}
