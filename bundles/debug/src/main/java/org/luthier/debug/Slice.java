package org.luthier.debug;

import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.ImmutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;

/**
 * What part of a dimension was kept: the stored tensor holds, along an axis, these entries of the whole one.
 *
 * @param axis counted from 0, the rows
 * @param indices entries kept, ascending, none twice
 */
public record Slice(int axis, ImmutableIntList indices) {
    /** So many entries from a first one on. */
    public static Slice range(int axis, int first, int count) {
        return new Slice(axis, IntLists.immutable.ofAll(IntStream.range(first, first + count)));
    }
}
