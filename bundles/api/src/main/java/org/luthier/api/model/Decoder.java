package org.luthier.api.model;

import java.util.List;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Vocabulary;

/** A search: asks a session for tokens until every row has ended. */
public interface Decoder extends Part {
    /**
     * Decodes the rows of a session that has begun.
     *
     * @param session rows in order; used up by the call
     * @param limits where to stop
     * @param grammar a fresh cursor a row, for decoders that keep to the grammar
     * @param settings values for {@link #parameters()}
     * @param cancellation asked every step
     * @return the ids of each row, in the order of the rows at the beginning, end token included where one was reached
     */
    List<IntList> decode(
            Session session, Limits limits, Supplier<Grammar> grammar, Settings settings, Cancellation cancellation);

    /**
     * Where decoding starts and stops.
     *
     * @param vocabulary start (its pad id) and end ids
     * @param maxTokens most tokens of a row, end token included
     */
    record Limits(Vocabulary vocabulary, int maxTokens) {}
}
