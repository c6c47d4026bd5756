package org.luthier.decoder.beam;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.luthier.decoder.beam.ScriptedSession.Script;

/** Searches of one row, written from their descriptions without regard to time. */
final class NaiveSearch {
    static final int END = 1;

    /** A row's ids, and the sum of their log-probabilities. */
    record Path(List<Integer> ids, double sum) {
        boolean ended() {
            return !ids.isEmpty() && ids.get(ids.size() - 1) == END;
        }

        double score(double alpha) {
            return sum / Math.pow((5.0 + ids.size()) / 6, alpha);
        }
    }

    private final Script script;
    private final int segment;
    private final int most;
    private final double alpha;
    /** Ids that may follow. */
    private final Function<List<Integer>, BitSet> allowed;

    NaiveSearch(Script script, int segment, int most, double alpha, Function<List<Integer>, BitSet> allowed) {
        this.script = script;
        this.segment = segment;
        this.most = most;
        this.alpha = alpha;
        this.allowed = allowed;
    }

    private List<Path> continuations(Path path) {
        float[] logits = script.logits(segment, path.ids);
        double total = IntStream.range(0, logits.length)
                .mapToDouble(id -> Math.exp(logits[id]))
                .sum();
        BitSet open = allowed.apply(path.ids);
        List<Path> paths = new ArrayList<>();
        for (int id = 0; id < logits.length; id++) {
            if (open.get(id)) {
                List<Integer> ids = new ArrayList<>(path.ids);
                ids.add(id);
                paths.add(new Path(ids, path.sum + logits[id] - Math.log(total)));
            }
        }
        return paths;
    }

    /** The best row that ends, of all there are; the likeliest one if none does. */
    List<Integer> exhaustive() {
        List<Path> open = List.of(new Path(List.of(), 0));
        List<Path> ended = new ArrayList<>();
        for (int step = 0; step < most; step++) {
            List<Path> all =
                    open.stream().flatMap(path -> continuations(path).stream()).toList();
            ended.addAll(all.stream().filter(Path::ended).toList());
            open = all.stream().filter(path -> !path.ended()).toList();
        }
        return best(open, ended);
    }

    /** Follows the likeliest that have not ended, of twice as many, and never stops early. */
    List<Integer> beams(int width) {
        List<Path> open = List.of(new Path(List.of(), 0));
        List<Path> ended = new ArrayList<>();
        for (int step = 0; step < most; step++) {
            List<Path> likeliest = open.stream()
                    .flatMap(path -> continuations(path).stream())
                    .sorted(Comparator.comparingDouble(path -> -path.sum))
                    .limit(2L * width)
                    .toList();
            ended.addAll(likeliest.stream().filter(Path::ended).toList());
            open = likeliest.stream().filter(path -> !path.ended()).limit(width).toList();
        }
        return best(open, ended);
    }

    private List<Integer> best(List<Path> open, List<Path> ended) {
        return (ended.isEmpty() ? open : ended)
                .stream()
                        .max(Comparator.comparingDouble(path -> ended.isEmpty() ? path.sum : path.score(alpha)))
                        .orElseThrow()
                        .ids;
    }

    /** The notebook's search, which has one beam; the last element is the number of steps. */
    List<Integer> oneBeam() {
        List<Integer> live = new ArrayList<>();
        double sum = 0;
        List<Integer> kept = null;
        double keptScore = 0;
        int steps = 0;
        while (steps < most && !(kept != null && keptScore > sum / Math.pow((5 + most + 1) / 6.0, alpha))) {
            float[] logits = script.logits(segment, live);
            double total = 0;
            for (float logit : logits) {
                total += Math.exp(logit);
            }
            int first = 0;
            for (int id = 1; id < logits.length; id++) {
                first = logits[id] > logits[first] ? id : first;
            }
            int second = first == 0 ? 1 : 0;
            for (int id = 0; id < logits.length; id++) {
                second = id != first && logits[id] > logits[second] ? id : second;
            }
            if (first == END || second == END) {
                double score = (sum + logits[END] - Math.log(total)) / Math.pow((5 + live.size() + 1) / 6.0, alpha);
                if (kept == null || score > keptScore) {
                    kept = new ArrayList<>(live);
                    kept.add(END);
                    keptScore = score;
                }
            }
            int next = first == END ? second : first;
            sum += logits[next] - Math.log(total);
            live.add(next);
            steps++;
        }
        List<Integer> answer = new ArrayList<>(kept == null ? live : kept);
        answer.add(steps);
        return answer;
    }

    static BitSet set(int... ids) {
        BitSet set = new BitSet();
        Arrays.stream(ids).forEach(set::set);
        return set;
    }
}
