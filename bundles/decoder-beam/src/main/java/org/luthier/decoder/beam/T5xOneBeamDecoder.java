package org.luthier.decoder.beam;

import java.util.List;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.osgi.service.component.annotations.Component;

/**
 * How MT3's own notebook decodes: beam search with one beam. It is not greedy: an end token that is second best is a way to end, too, which
 * is kept while the search goes on, and a segment's length counts.
 */
@Component
public final class T5xOneBeamDecoder implements Decoder {
    @Override
    public String id() {
        return "t5x-beam1";
    }

    @Override
    public String description() {
        return "The one-beam search of T5X, as MT3's notebook decodes.";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(LengthPenalty.PARAMETER);
    }

    @Override
    public List<IntList> decode(
            Session session, Limits limits, Supplier<Grammar> grammar, Settings settings, Cancellation cancellation) {
        return new BeamSearch(session, limits, 1, settings.number(LengthPenalty.NAME)).decode(null, cancellation);
    }
}
