package org.luthier.decoder.greedy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Session;
import org.luthier.api.tokens.Grammar;

/** Takes the likeliest id of each row until it is the end token; rows that have ended leave the batch. */
final class GreedySearch {
    /**
     * What is different at the beginning of a row.
     *
     * @param fed ids that are fed after the start token in place of those that were chosen
     * @param untested chosen ids that do not end the row, whatever they are
     */
    record Opening(IntList fed, int untested) {
        static final Opening NONE = new Opening(IntLists.immutable.empty(), 0);
    }

    private GreedySearch() {}

    /**
     * Decodes all rows of a session.
     *
     * @param grammar a fresh cursor a row, to whose ids the search keeps; null to allow all ids
     */
    static List<IntList> decode(
            Session session,
            Decoder.Limits limits,
            Opening opening,
            Supplier<Grammar> grammar,
            Cancellation cancellation) {
        int end = limits.vocabulary().end();
        List<Row> rows = new ArrayList<>();
        for (int row = 0; row < session.rows(); row++) {
            rows.add(new Row(limits.vocabulary().pad(), grammar == null ? null : grammar.get()));
        }
        List<Row> live = rows;
        for (int step = 0; step < limits.maxTokens() && !live.isEmpty(); step++) {
            cancellation.check();
            int[] chosen = session.step(live.stream().mapToInt(row -> row.next).toArray(), allowed(live, grammar));
            for (int i = 0; i < chosen.length; i++) {
                live.get(i).take(chosen[i], opening.fed);
            }
            if (step >= opening.untested) {
                live = retain(session, live, end);
            }
        }
        return rows.stream().<IntList>map(row -> row.ids).toList();
    }

    private static BitSet[] allowed(List<Row> live, Supplier<Grammar> grammar) {
        return grammar == null ? null : live.stream().map(Row::allowed).toArray(BitSet[]::new);
    }

    private static List<Row> retain(Session session, List<Row> live, int end) {
        int[] kept = IntStream.range(0, live.size())
                .filter(i -> live.get(i).ids.getLast() != end)
                .toArray();
        if (kept.length == live.size()) {
            return live;
        }
        if (kept.length > 0) {
            session.retain(kept);
        }
        return IntStream.of(kept).mapToObj(live::get).toList();
    }

    private static final class Row {
        private final MutableIntList ids = IntLists.mutable.empty();
        private final Grammar grammar;
        private int next;

        Row(int start, Grammar grammar) {
            this.next = start;
            this.grammar = grammar;
        }

        BitSet allowed() {
            BitSet allowed = grammar.allowed();
            if (allowed.isEmpty()) {
                throw new LuthierException("the tokenizer's grammar allows no id after the " + ids.size()
                        + " ids that a segment has; expected one at least; decode without it: --decoder greedy");
            }
            return allowed;
        }

        void take(int id, IntList fed) {
            next = ids.size() < fed.size() ? fed.get(ids.size()) : id;
            ids.add(id);
            if (grammar != null) {
                grammar.advance(id);
            }
        }
    }
}
