package org.luthier.debug;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.tokens.Vocabulary;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The network of a token model in a trace: fed known ids under the eyes of the probe, and run freely without one. */
final class TokenRun implements AutoCloseable {
    /** How many ids the decoder is fed of what it says itself. Enough to see it write, few enough to read. */
    static final int FED = 16;

    private final TraceSegments segments;
    private final TokenModel.TokenLayout layout;
    private final int earliestEnd;
    private final Probe probe;
    private final Cancellation cancellation;
    private final boolean cached;
    private final Session watched;
    private final Session free;
    private final MutableIntList slots = IntLists.mutable.empty();
    private final List<IntList> said = new ArrayList<>();

    /**
     * Opens both sessions.
     *
     * @param cached whether the watched one is fed its ids one by one
     * @param probe sees the watched one, and is offered the ids
     * @param freely sees the free one
     */
    TokenRun(
            TokenModel model,
            TraceSegments segments,
            boolean cached,
            Probe probe,
            Probe freely,
            Cancellation cancellation) {
        this.cached = cached;
        this.segments = segments;
        this.layout = model.layout();
        this.earliestEnd = model.earliestEnd();
        this.probe = probe;
        this.cancellation = cancellation;
        this.watched = model.open(1, probe);
        this.free = model.open(1, freely);
    }

    /** Runs one segment. */
    void segment(int row, INDArray features, Position at) {
        int channels = layout.channels();
        Position rows = new Position(
                IntLists.immutable.ofAll(IntStream.range(0, channels).map(c -> at.segment(0) * channels + c)),
                channels,
                0);
        List<IntList> tokens = null;
        if (segments.ids() == null || probe.wants(Tracer.TOKENS)) {
            tokens = freely(features, at);
            said.addAll(tokens);
            slots.addAll(rows.slots());
        }
        List<IntList> fed = segments.ids() == null
                ? tokens.stream().map(this::fed).toList()
                : IntStream.range(row * channels, (row + 1) * channels)
                        .mapToObj(line -> (IntList) IntLists.immutable.of(segments.ids()[line]))
                        .toList();
        watched.begin(features, at);
        probe.offer(Tracer.IDS, rows, tensor(fed));
        if (cached) {
            feedOneByOne(fed);
        } else {
            watched.prefill(fed);
        }
    }

    private void feedOneByOne(List<IntList> fed) {
        for (int position = 0; position < fed.get(0).size(); position++) {
            cancellation.check();
            int at = position;
            watched.step(fed.stream().mapToInt(row -> row.get(at)).toArray(), null);
        }
    }

    /** Offers what was said, once all segments have been run. */
    void finish() {
        if (!said.isEmpty()) {
            probe.offer(Tracer.TOKENS, new Position(slots, layout.channels(), 0), tensor(said));
        }
    }

    /** The start id, and what followed it. */
    private IntList fed(IntList tokens) {
        MutableIntList ids = IntLists.mutable.of(layout.vocabulary().pad());
        ids.addAll(tokens);
        return padded(ids, Math.min(FED, layout.maxTokens()));
    }

    private List<IntList> freely(INDArray features, Position at) {
        Vocabulary vocabulary = layout.vocabulary();
        int most = segments.tokens() == 0 ? layout.maxTokens() : Math.min(segments.tokens(), layout.maxTokens());
        free.begin(features, at);
        List<MutableIntList> rows = IntStream.range(0, free.rows())
                .mapToObj(any -> IntLists.mutable.empty())
                .toList();
        boolean[] ended = new boolean[rows.size()];
        int[] ids = new int[rows.size()];
        Arrays.fill(ids, vocabulary.pad());
        for (int step = 0; step < most && rows.size() > count(ended); step++) {
            cancellation.check();
            int[] next = free.step(ids, null);
            for (int row = 0; row < ids.length; row++) {
                if (ended[row]) {
                    continue;
                }
                rows.get(row).add(next[row]);
                ids[row] = next[row];
                ended[row] = next[row] == vocabulary.end() && step >= earliestEnd;
            }
        }
        return List.copyOf(rows);
    }

    private static int count(boolean[] flags) {
        return (int) IntStream.range(0, flags.length).filter(i -> flags[i]).count();
    }

    /** Rows of ids as a tensor, padding behind the shorter ones. */
    private INDArray tensor(List<IntList> rows) {
        int longest = rows.stream().mapToInt(IntList::size).max().orElse(0);
        return Nd4j.createFromArray(
                rows.stream().map(row -> padded(row, longest).toArray()).toArray(int[][]::new));
    }

    private IntList padded(IntList ids, int length) {
        int[] row = new int[length];
        Arrays.fill(row, layout.vocabulary().pad());
        System.arraycopy(ids.toArray(), 0, row, 0, Math.min(length, ids.size()));
        return IntLists.immutable.of(row);
    }

    @Override
    public void close() {
        watched.close();
        free.close();
    }
}
