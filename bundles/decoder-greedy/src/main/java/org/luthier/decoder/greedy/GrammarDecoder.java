package org.luthier.decoder.greedy;

import java.util.List;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.osgi.service.component.annotations.Component;

/** The likeliest id at every step of those that the grammar of events allows there. */
@Component
public final class GrammarDecoder implements Decoder {
    @Override
    public String id() {
        return "grammar";
    }

    @Override
    public String description() {
        return "The likeliest token at every step of those that make sense there.";
    }

    @Override
    public List<IntList> decode(
            Session session, Limits limits, Supplier<Grammar> grammar, Settings settings, Cancellation cancellation) {
        return GreedySearch.decode(session, limits, GreedySearch.Opening.NONE, grammar, cancellation);
    }
}
