package org.luthier.api.model;

import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;

/**
 * Where in a recording the rows of a tensor belong.
 *
 * @param slots for each row, segment * channels + channel
 * @param channels rows that a segment has: decoder channels, or the parts that a layer sees it in; 1 of most tensors
 * @param step decoding step: of a tensor with several positions, that of the first; -1 outside a decoder
 */
public record Position(IntList slots, int channels, int step) {
    /** Rows of consecutive segments outside a decoder. */
    public static Position segments(int firstSegment, int rows) {
        return new Position(IntLists.immutable.ofAll(IntStream.range(firstSegment, firstSegment + rows)), 1, -1);
    }

    /** Number of rows. */
    public int rows() {
        return slots.size();
    }

    /** Number of the segment that a row holds. */
    public int segment(int row) {
        return slots.get(row) / channels;
    }

    /** Decoder channel, or other part of its segment, that a row holds. */
    public int channel(int row) {
        return slots.get(row) % channels;
    }

    /** The same rows at a decoding step. */
    public Position at(int newStep) {
        return new Position(slots, channels, newStep);
    }

    /** Some of the rows, in this order. */
    public Position some(int... rows) {
        return new Position(IntLists.immutable.ofAll(IntStream.of(rows).map(slots::get)), channels, step);
    }

    /** Each row as so many that follow each other: the channels of a segment, or other parts of it. */
    public Position parts(int parts) {
        return new Position(
                IntLists.immutable.ofAll(
                        IntStream.range(0, rows() * parts).map(i -> slots.get(i / parts) * parts + i % parts)),
                channels * parts,
                step);
    }
}
