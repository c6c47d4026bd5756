package org.luthier.assembler.yourmt3;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary.Range;
import org.osgi.service.component.annotations.Component;

/**
 * Makes notes of the events of YourMT3+ as its reference implementation does, for one channel and for many, in order of onset.
 *
 * <p>Programs are those that the model said; all notes have velocity 100, which is what the reference writes for its one loudness. Events
 * count as invalid where the reference finds a fault in them, and as dropped in a segment without a tie, and where an end belongs to a
 * note that never started. Notes come when all is said, not before: they are sorted, mixed and cut as a whole.
 */
@Component
public final class YourMt3ReferenceAssembler implements TokenNoteAssembler {
    @Override
    public String id() {
        return "yourmt3-reference";
    }

    @Override
    public String description() {
        return "The note decoding of YourMT3+'s reference implementation, with ties, for one channel or many.";
    }

    /**
     * Starts a recording.
     *
     * @throws LuthierException if the tokenizer has no ties, or other velocities than on and off
     */
    @Override
    public Assembly begin(Tokenizer tokenizer, Settings settings) {
        List<Range> ranges = tokenizer.vocabulary().ranges();
        Map<String, Integer> counts =
                ranges.stream().collect(Collectors.toMap(Range::type, Range::count, Integer::sum));
        boolean fits = counts.keySet().containsAll(List.of("shift", "pitch", "tie", "program"))
                && counts.getOrDefault("velocity", 0) == 2;
        if (!fits) {
            throw new LuthierException(
                    "note assembler " + id() + " reads events of the types shift, pitch, tie, program"
                            + " and velocity 0 and 1, but tokenizer " + tokenizer.id() + " has "
                            + ranges.stream()
                                    .map(range -> range.type() + " " + range.firstValue() + ".."
                                            + (range.firstValue() + range.count() - 1))
                                    .collect(Collectors.joining(", "))
                            + "; choose another assembler with --assembler");
        }
        return new YourMt3Assembly(tokenizer.id(), tokenizer.stepsPerSecond());
    }
}
