package org.luthier.api.tokens;

import java.util.List;

/**
 * The events of one segment.
 *
 * @param start seconds from the beginning of the recording
 * @param channels the events of each decoder channel; one channel for most models
 */
public record SegmentEvents(double start, List<List<Event>> channels) {}
