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
 * Beam search of any width. With the grammar, ids that it forbids are left out; the probabilities of the others stay what the model says.
 * With one beam and no grammar it is {@link T5xOneBeamDecoder}.
 *
 * <p>A batch takes {@code beam-width} times the rows, so that much more memory for caches and that much more time.
 */
@Component
public final class BeamDecoder implements Decoder {
    private static final String WIDTH = "beam-width";
    private static final String GRAMMAR = "beam-grammar";

    @Override
    public String id() {
        return "beam";
    }

    @Override
    public String description() {
        return "Beam search: several likely beginnings of a segment are followed at once.";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                Parameter.integer(WIDTH, 4, 1, 64, "", "Beginnings of a segment that are followed at once."),
                LengthPenalty.PARAMETER,
                Parameter.flag(GRAMMAR, false, "Follow only tokens that make sense where they stand."));
    }

    @Override
    public List<IntList> decode(
            Session session, Limits limits, Supplier<Grammar> grammar, Settings settings, Cancellation cancellation) {
        return new BeamSearch(session, limits, settings.integer(WIDTH), settings.number(LengthPenalty.NAME))
                .decode(settings.flag(GRAMMAR) ? grammar : null, cancellation);
    }
}
