package org.luthier.nn;

/**
 * The shape of multi-head attention. The columns of queries, keys and values are head-major: column = head * size + j.
 *
 * @param count heads
 * @param size width of a head
 * @param scale what the products of queries and keys are multiplied with; T5 has 1
 */
public record Heads(int count, int size, float scale) {
    /** Columns of queries, keys and values. */
    public int width() {
        return count * size;
    }
}
