package org.luthier.nn.t5;

import org.luthier.nn.Scratch;

/**
 * What the layers of a stack work on: views of a {@link StackMemory} for so many rows and positions. No layer leaves anything in it for
 * another but the stream and its normalised copy.
 *
 * @param rows sequences
 * @param length vectors of each
 * @param stream the residual stream [rows, length, model]
 * @param normalised what a part of a block works on [rows, length, model]
 * @param attention queries, keys and values side by side [rows, length, 3 * heads * size]
 * @param query where a query stands alone [rows, length, heads * size]
 * @param context what attention has gathered [rows, length, heads * size]
 * @param gateAndUp both products of a gated layer side by side [rows, length, 2 * hidden]
 * @param gated what becomes of them [rows, length, hidden]
 * @param scratch the session's own
 */
public record Batch(
        int rows,
        int length,
        Sequences stream,
        Sequences normalised,
        Attending attention,
        Sequences query,
        Sequences context,
        Gating gateAndUp,
        Sequences gated,
        Scratch scratch) {

    /**
     * Queries, keys and values.
     *
     * @param all [rows, length, 3 * heads * size]
     * @param queries the first third of the columns
     * @param keys the second
     * @param values the third
     */
    public record Attending(Sequences all, Sequences queries, Sequences keys, Sequences values) {
        static Attending of(Sequences all, int width) {
            return new Attending(
                    all, all.columns(0, width), all.columns(width, 2 * width), all.columns(2 * width, 3 * width));
        }
    }

    /**
     * The two products of a gated layer.
     *
     * @param all [rows, length, 2 * hidden]
     * @param gate the first half of the columns
     * @param up the second
     */
    public record Gating(Sequences all, Sequences gate, Sequences up) {
        static Gating of(Sequences all, int hidden) {
            return new Gating(all, all.columns(0, hidden), all.columns(hidden, 2 * hidden));
        }
    }
}
