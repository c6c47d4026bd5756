package org.luthier.api.model;

/**
 * Where in a recording a tensor belongs.
 *
 * @param firstSegment number of the segment in the first row; row r holds segment {@code firstSegment + r / channels}
 * @param rows number of rows
 * @param channels decoder channels, 1 for most models
 * @param step decoding step, or -1 outside a decoder
 */
public record Position(int firstSegment, int rows, int channels, int step) {
    /** Rows of consecutive segments outside a decoder. */
    public static Position segments(int firstSegment, int rows) {
        return new Position(firstSegment, rows, 1, -1);
    }
}
