package org.luthier.assembler.mt3;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary.Range;
import org.osgi.service.component.annotations.Component;

/**
 * Makes notes of the events of MT3 as its reference implementation does, in the same order: that in which they end.
 *
 * <p>It reads the event types shift, pitch, velocity, tie, program and drum. Velocity 0 ends notes; the vocabulary's other velocities are
 * equal parts of 1..127. Where the vocabulary has no tie, segments do not begin with the notes that still sound.
 */
@Component
public final class Mt3ReferenceAssembler implements TokenNoteAssembler {
    private static final Set<String> NEEDED = Set.of("shift", "pitch", "velocity");

    @Override
    public String id() {
        return "mt3-reference";
    }

    @Override
    public String description() {
        return "The note decoding of MT3's reference implementation, with ties between segments.";
    }

    /**
     * Starts a recording.
     *
     * @throws LuthierException if the tokenizer has no events that this assembler could make notes of
     */
    @Override
    public Assembly begin(Tokenizer tokenizer, Settings settings) {
        List<Range> ranges = tokenizer.vocabulary().ranges();
        Set<String> types = ranges.stream().map(Range::type).collect(Collectors.toSet());
        if (!types.containsAll(NEEDED)) {
            throw new LuthierException(
                    "note assembler " + id() + " reads events of the types shift, pitch and velocity, but"
                            + " tokenizer " + tokenizer.id() + " has "
                            + types.stream().sorted().collect(Collectors.joining(", "))
                            + "; choose another assembler with --assembler");
        }
        int velocities = ranges.stream()
                .filter(range -> range.type().equals("velocity"))
                .mapToInt(Range::count)
                .sum();
        return new Mt3Assembly(tokenizer.stepsPerSecond(), velocities - 1, types.contains("tie"));
    }
}
