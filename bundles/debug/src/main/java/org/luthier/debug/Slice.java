package org.luthier.debug;

import org.eclipse.collections.api.list.primitive.ImmutableIntList;

/**
 * What part of a dimension was kept: the stored tensor holds, along an axis, these entries of the whole one.
 *
 * @param axis counted from 0, the rows
 * @param indices entries kept, ascending, none twice
 */
public record Slice(int axis, ImmutableIntList indices) {}
