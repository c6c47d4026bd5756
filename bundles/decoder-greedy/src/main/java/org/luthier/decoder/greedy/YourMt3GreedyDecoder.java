package org.luthier.decoder.greedy;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Vocabulary;
import org.osgi.service.component.annotations.Component;

/**
 * The likeliest of all ids at every step, as YourMT3+'s reference implementation takes it: the first id of a row never ends it, not even
 * if it is the end token.
 *
 * <p>With a task prefix of n ids, the start token and all of them but the last are fed first. The ids that are chosen meanwhile are kept,
 * do not end a row, and only the last of them is fed; a row is one id shorter at most.
 *
 * <p>A row that has ended leaves the batch. In the reference it stays and says pad ids, of which nothing depends.
 */
@Component
public final class YourMt3GreedyDecoder implements Decoder {
    private static final String PREFIX = "task-prefix";

    @Override
    public String id() {
        return "yourmt3-greedy";
    }

    @Override
    public String description() {
        return "The likeliest token at every step, begun and ended as YourMT3+'s reference does.";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(Parameter.text(
                PREFIX,
                null,
                "Ids of the task that the model is asked for, with commas between them, where a model has several;"
                        + " none of the published ones does."));
    }

    /** @throws UsageException if the prefix is no list of ids */
    @Override
    public void check(Settings settings) {
        prefix(settings);
    }

    /**
     * {@inheritDoc}
     *
     * @throws LuthierException if the prefix has ids that the vocabulary does not have, or is as long as a row
     */
    @Override
    public List<IntList> decode(
            Session session, Limits limits, Supplier<Grammar> grammar, Settings settings, Cancellation cancellation) {
        int[] prefix = prefix(settings);
        if (prefix.length == 0) {
            return GreedySearch.decode(session, limits, opening(prefix, 1), null, cancellation);
        }
        Vocabulary vocabulary = limits.vocabulary();
        int largest = Arrays.stream(prefix).max().orElseThrow();
        if (largest >= vocabulary.size()) {
            throw new LuthierException("--" + PREFIX + ": expected ids from 0 to " + (vocabulary.size() - 1)
                    + ", those of task " + vocabulary.task() + ", got " + largest);
        }
        if (prefix.length >= limits.maxTokens()) {
            throw new LuthierException("--" + PREFIX + ": expected fewer ids than the " + limits.maxTokens()
                    + " that a row may have, got " + prefix.length);
        }
        return GreedySearch.decode(
                session,
                new Limits(vocabulary, limits.maxTokens() - 1),
                opening(Arrays.copyOf(prefix, prefix.length - 1), prefix.length),
                null,
                cancellation);
    }

    private static GreedySearch.Opening opening(int[] fed, int untested) {
        return new GreedySearch.Opening(IntLists.immutable.of(fed), untested);
    }

    private static int[] prefix(Settings settings) {
        if (!settings.isSet(PREFIX)) {
            return new int[0];
        }
        String text = settings.text(PREFIX).replace(" ", "");
        if (!text.matches("\\d{1,9}(,\\d{1,9})*")) {
            throw new UsageException("--" + PREFIX + ": expected ids with commas between them, such as 5,3, got '"
                    + settings.text(PREFIX) + "'");
        }
        return Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
    }
}
