package org.luthier.api.tokens;

import java.util.List;

/**
 * The ids of a tokenizer and what they mean.
 *
 * @param task what the ids were trained for, for example {@code "mt3"}; two vocabularies fit only if this is the same
 * @param size one more than the largest id that means something; a model may have more rows (padding)
 * @param pad id of padding, also the start token of T5
 * @param end id of the end token
 * @param ranges the meaning of the ids, in ascending order, without gaps below {@code size}
 */
public record Vocabulary(String task, int size, int pad, int end, List<Range> ranges) {
    /**
     * Ids of one kind of event.
     *
     * @param type for example {@code "shift"}
     * @param firstId id of the first
     * @param count how many
     * @param firstValue value of the first event; values go up by one
     */
    public record Range(String type, int firstId, int count, int firstValue) {}
}
