package org.luthier.nn;

/**
 * The shape of multi-head attention. The columns of queries, keys and values are head-major: column = head * size + j.
 *
 * @param count heads
 * @param size width of a head of queries and keys
 * @param valueSize width of a head of values
 * @param scale what the products of queries and keys are multiplied with; T5 has 1
 */
public record Heads(int count, int size, int valueSize, float scale) {
    /** Queries, keys and values of one width. */
    public Heads(int count, int size, float scale) {
        this(count, size, size, scale);
    }

    /** Columns of queries and keys. */
    public int width() {
        return count * size;
    }

    /** Columns of values, and of what they are mixed to. */
    public int valueWidth() {
        return count * valueSize;
    }
}
