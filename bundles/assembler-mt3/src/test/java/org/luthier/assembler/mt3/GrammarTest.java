package org.luthier.assembler.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.luthier.api.notes.NoteTokenizer;
import org.luthier.api.notes.TokenNoteAssembler.Assembled;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentTokens;
import org.luthier.api.tokens.Vocabulary.Range;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;

/**
 * Random walks through the grammar. The cursor sees one segment only, so the walker takes over the one thing that it cannot know, which
 * notes sound when a segment begins: it ties, and ends, no others. Then the assembler refuses nothing.
 */
class GrammarTest {
    private static final int SEEDS = 100;
    private static final int LONGEST = 1024;

    static Stream<Arguments> walks() {
        return IntStream.range(0, SEEDS)
                .boxed()
                .flatMap(seed ->
                        Stream.of(Arguments.of(new Mt3Tokenizer(), seed), Arguments.of(new Mt3PianoTokenizer(), seed)));
    }

    @ParameterizedTest
    @MethodSource("walks")
    void nothingThatTheGrammarAllowsIsRefused(NoteTokenizer tokenizer, int seed) {
        Random random = new Random(seed);
        Walker walker = new Walker(tokenizer, random);
        List<SegmentTokens> segments = new ArrayList<>();
        for (SegmentTokens empty : tokenizer.encode(List.of(), 20 + random.nextInt(70))) {
            segments.add(new SegmentTokens(empty.start(), List.of(walker.segment())));
        }

        Assembled assembled = Streams.assemble(tokenizer, segments);

        assertEquals(0, assembled.invalid());
        assertEquals(0, assembled.dropped());
        assertTrue(walker.says > 0, "the walk says something");
    }

    private static final class Walker {
        private final NoteTokenizer tokenizer;
        private final Random random;
        private final boolean ties;
        private final int lastStep;
        private Set<Integer> sounding = new HashSet<>();
        private int program;
        private int says;

        private Walker(NoteTokenizer tokenizer, Random random) {
            this.tokenizer = tokenizer;
            this.random = random;
            ties = tokenizer.vocabulary().ranges().stream()
                    .anyMatch(range -> range.type().equals("tie"));
            // Some segments own one step less than others, and the grammar does not know which.
            lastStep = (int) Math.floor(tokenizer.segmentSeconds() * tokenizer.stepsPerSecond()) - 1;
        }

        private MutableIntList segment() {
            Grammar grammar = tokenizer.grammar();
            MutableIntList ids = IntLists.mutable.empty();
            Set<Integer> tied = new HashSet<>();
            boolean tying = ties;
            int bin = -1;
            while (ids.size() < LONGEST) {
                boolean tyingNow = tying;
                int binNow = bin;
                int id = choose(grammar.allowed(), event -> possible(event, tyingNow, binNow));
                ids.add(id);
                if (id == tokenizer.vocabulary().end()) {
                    break;
                }
                grammar.advance(id);
                Event event = tokenizer.events(IntLists.immutable.of(id)).get(0);
                int key = program * 128 + event.value();
                switch (event.type()) {
                    case "program" -> program = event.value();
                    case "velocity" -> bin = event.value();
                    case "tie" -> {
                        tying = false;
                        sounding = tied;
                    }
                    case "pitch" -> {
                        says++;
                        if (tying) {
                            tied.add(key);
                        } else if (bin == 0) {
                            sounding.remove(key);
                        } else {
                            sounding.add(key);
                        }
                    }
                    case "drum" -> says++;
                    default -> {}
                }
            }
            return ids;
        }

        /** What the cursor cannot know: which notes sound. The piano keeps to one program, as it was trained to. */
        private boolean possible(Event event, boolean tying, int bin) {
            return switch (event.type()) {
                case "shift" -> event.value() <= lastStep;
                case "program" -> tying ? sounds(event.value()) : ties || event.value() == 0;
                case "velocity" -> ties || event.value() > 0 || sounds(program);
                case "pitch" -> !tying && (ties || bin > 0) || sounding.contains(program * 128 + event.value());
                case "special" -> random.nextInt(20) == 0;
                default -> true;
            };
        }

        private boolean sounds(int ofProgram) {
            return sounding.stream().anyMatch(key -> key / 128 == ofProgram);
        }

        /** One of the kinds allowed, then one of its ids, so that the many programs do not crowd out the rest. */
        private int choose(BitSet allowed, Predicate<Event> possible) {
            List<List<Integer>> kinds = new ArrayList<>();
            for (Range range : tokenizer.vocabulary().ranges()) {
                List<Integer> ids = IntStream.range(range.firstId(), range.firstId() + range.count())
                        .filter(allowed::get)
                        .filter(id -> possible.test(new Event(range.type(), range.firstValue() + id - range.firstId())))
                        .boxed()
                        .toList();
                if (!ids.isEmpty()) {
                    kinds.add(ids);
                }
            }
            assertFalse(kinds.isEmpty(), "something must be allowed");
            List<Integer> ids = kinds.get(random.nextInt(kinds.size()));
            return ids.get(random.nextInt(ids.size()));
        }
    }
}
