package org.luthier.api.tokens;

import java.util.List;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.plugin.Part;

/** Ids to events and back. Knows nothing of tensors. */
public interface Tokenizer extends Part {
    /** The ids and their meaning. */
    Vocabulary vocabulary();

    /** Steps of a shift event in a second. */
    int stepsPerSecond();

    /** Length of a segment in seconds; a model with another one does not fit. */
    double segmentSeconds();

    /**
     * Where the events of a segment count from, in seconds: what {@link SegmentTokens} and {@link SegmentEvents} have as its start.
     *
     * @param seconds where the samples of the segment start
     */
    default double segmentStart(double seconds) {
        return seconds;
    }

    /** The events of a row of ids. An id out of range becomes an event of type {@code invalid}; nothing is thrown. */
    List<Event> events(IntList ids);

    /**
     * The ids of a row of events.
     *
     * @throws org.luthier.api.LuthierException for an event the vocabulary does not have
     */
    IntList ids(List<Event> events);

    /** A cursor at the beginning of a segment. */
    Grammar grammar();
}
