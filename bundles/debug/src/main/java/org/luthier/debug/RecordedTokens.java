package org.luthier.debug;

import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;

/**
 * The ids that a decoder said by itself, as a run recorded them.
 *
 * @param tokens whole, [rows, positions]
 * @param segments numbers of the segments, each with as many rows as there are channels; at least one
 */
public record RecordedTokens(RecordedTensor tokens, List<Integer> segments) {
    /** Null where a run recorded none, or only a part of each row. */
    public static RecordedTokens of(Reference run) {
        RecordedTensor tokens = run.has(Tracer.TOKENS) ? run.tensor(Tracer.TOKENS) : null;
        if (tokens == null || !tokens.slices().isEmpty() || tokens.shape().size() != 2) {
            return null;
        }
        List<Integer> segments = run.header().segments().isEmpty()
                ? IntStream.range(0, tokens.shape().get(0)).boxed().toList()
                : run.header().segments();
        return segments.isEmpty() ? null : new RecordedTokens(tokens, segments);
    }

    /** Rows of all segments. */
    public int rows() {
        return tokens.shape().get(0);
    }

    /** The ids of a row, to its end. */
    public IntList ids(int row) {
        int length = tokens.shape().get(1);
        return IntLists.immutable.ofAll(
                IntStream.range(row * length, (row + 1) * length).map(i -> (int) tokens.values()[i]));
    }
}
