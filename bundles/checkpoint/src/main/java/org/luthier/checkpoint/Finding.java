package org.luthier.checkpoint;

import java.util.Locale;

/**
 * How a tensor of B differs from the one of A.
 *
 * @param kind for programs
 * @param text for people, one line
 */
public record Finding(Kind kind, String text) {
    /** Kinds of differences, each the whole difference unless the text says otherwise. */
    public enum Kind {
        /** The values of one are the other's in fewer bits. */
        ROUNDED,
        /** Other order of axes. */
        TRANSPOSED,
        /** Another shape over the same values in the same order, or the right shape over values in the order of other axes. */
        RESHAPED,
        /** Rows, columns or elements are some places further. */
        SHIFTED,
        /** Rows, columns, heads or elements are in another order. */
        PERMUTED,
        /** One has all rows, columns or elements of the other, and more. */
        PADDED,
        /** Two tensors have each other's contents. */
        SWAPPED,
        /** Has the contents of another tensor, which has not this one's. */
        MOVED,
        /** Times a number. */
        SCALED,
        /** Of the other sign. */
        NEGATED,
        /** NaN or infinities in one. */
        NOT_FINITE,
        /** Shapes that have nothing in common. */
        SHAPE,
        /** Other values, without a reason that is known. */
        VALUES;

        /** Lower case, as in JSON: {@code "not-finite"}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Adds what else is so. */
    Finding and(String more) {
        return new Finding(kind, text + more);
    }
}
