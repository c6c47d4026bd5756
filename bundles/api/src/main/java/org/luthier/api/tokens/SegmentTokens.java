package org.luthier.api.tokens;

import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;

/**
 * What the model said for one segment.
 *
 * @param start seconds from the beginning of the recording
 * @param channels the ids of each decoder channel, end token included; one channel for most models
 */
public record SegmentTokens(double start, List<IntList> channels) {}
