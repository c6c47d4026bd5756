package org.luthier.nn.t5;

import org.luthier.nn.Scratch;

/**
 * The memory that batches pass through a stack in. Belongs to one session. Views are made once for a number of rows and positions, not
 * for every step.
 */
public final class StackMemory implements AutoCloseable {
    private final T5Sizes sizes;
    private final Memory stream = new Memory();
    private final Memory normalised = new Memory();
    /** Queries, keys and values, or a query alone, or gate and up: no two of them are needed at once. */
    private final Memory side = new Memory();
    /** The context of attention, or what is gated. */
    private final Memory inner = new Memory();

    private final Scratch scratch = new Scratch();
    private Batch batch;

    public StackMemory(T5Sizes sizes) {
        this.sizes = sizes;
    }

    /** Views for a batch; contents are those of the one before, or anything. Valid until the next call. */
    public Batch batch(int rows, int length) {
        if (batch == null || batch.rows() != rows || batch.length() != length) {
            int width = sizes.heads().width();
            int hidden = sizes.hidden();
            // What needs most first: memory that grows moves.
            side.sequences(rows, length, Math.max(3 * width, 2 * hidden));
            inner.sequences(rows, length, Math.max(width, hidden));
            batch = new Batch(
                    rows,
                    length,
                    stream.sequences(rows, length, sizes.model()),
                    normalised.sequences(rows, length, sizes.model()),
                    Batch.Attending.of(side.sequences(rows, length, 3 * width), width),
                    side.sequences(rows, length, width),
                    inner.sequences(rows, length, width),
                    Batch.Gating.of(side.sequences(rows, length, 2 * hidden), hidden),
                    inner.sequences(rows, length, hidden),
                    scratch);
        }
        return batch;
    }

    /** What kernels of this session work in. */
    public Scratch scratch() {
        return scratch;
    }

    /** Frees all of it. */
    @Override
    public void close() {
        stream.close();
        normalised.close();
        side.close();
        inner.close();
        scratch.close();
        batch = null;
    }
}
