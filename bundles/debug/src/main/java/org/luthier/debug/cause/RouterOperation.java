package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.luthier.api.model.Computation;

/** Which experts do the work, and how much each counts. */
final class RouterOperation {
    private RouterOperation() {}

    static Operation of(Task task) {
        return task.computation().operation().equals(Computation.EXPERT_CHOICE) ? choice(task) : shares(task);
    }

    private interface Ranked {
        double[] of(double[] router, int[] order);
    }

    private static Field each(Task task, Ranked ranked) {
        int[] shape = task.input().shape().clone();
        shape[shape.length - 1] = task.count("count");
        return Field.of(shape, index -> {
            double[] router = task.input().whole(index);
            return router == null ? null : ranked.of(router, order(router));
        });
    }

    /** Numbers of experts, the largest logit first. */
    private static int[] order(double[] router) {
        return IntStream.range(0, router.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -router[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private static double[] first(int[] order, int count) {
        return IntStream.range(0, count).mapToDouble(k -> order[k]).toArray();
    }

    private static Operation choice(Task task) {
        int count = task.count("count");
        return new Operation() {
            @Override
            public Field plain() {
                return each(task, (router, order) -> first(order, count));
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                String usual = "the " + count + " most probable, the most probable first";
                String advice = "take the experts with the largest logits";
                variants.add(new Variant(
                        "other experts chosen",
                        "the least probable",
                        usual,
                        advice,
                        each(
                                task,
                                (router, order) -> first(
                                        IntStream.range(0, order.length)
                                                .map(k -> order[order.length - 1 - k])
                                                .toArray(),
                                        count))));
                variants.add(new Variant(
                        "order of experts",
                        "the least probable of them first",
                        usual,
                        "order by probability: what counts how much has the same order",
                        each(
                                task,
                                (router, order) -> IntStream.range(0, count)
                                        .mapToDouble(k -> order[count - 1 - k])
                                        .toArray())));
                variants.add(new Variant(
                        "order of experts",
                        "them in order of their numbers",
                        usual,
                        "order by probability: what counts how much has the same order",
                        each(
                                task,
                                (router, order) -> IntStream.of(order)
                                        .limit(count)
                                        .sorted()
                                        .asDoubleStream()
                                        .toArray())));
                for (int by : new int[] {1, -1}) {
                    variants.add(new Variant(
                            "experts permuted",
                            "experts counted from " + (by > 0 ? "1" : "-1"),
                            "from 0",
                            "count experts from 0",
                            each(
                                    task,
                                    (router, order) -> IntStream.of(order)
                                            .limit(count)
                                            .mapToDouble(expert -> expert + by)
                                            .toArray())));
                }
                variants.add(new Variant(
                        "other experts chosen",
                        "those after the most probable",
                        usual,
                        advice,
                        each(
                                task,
                                (router, order) -> IntStream.range(0, count)
                                        .mapToDouble(k -> order[Math.min(k + 1, order.length - 1)])
                                        .toArray())));
                variants.add(new Variant(
                        "number of experts",
                        "the most probable one only",
                        usual,
                        "choose " + count + " experts",
                        each(
                                task,
                                (router, order) -> IntStream.range(0, count)
                                        .mapToDouble(k -> order[0])
                                        .toArray())));
                return variants;
            }
        };
    }

    private static double[] softmax(double[] router) {
        double largest = IntStream.range(0, router.length)
                .mapToDouble(i -> router[i])
                .max()
                .orElse(0);
        double[] p = new double[router.length];
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(router[i] - largest);
            sum += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    private static double[] chosen(double[] all, int[] order, int count, boolean divided) {
        double[] shares =
                IntStream.range(0, count).mapToDouble(k -> all[order[k]]).toArray();
        double sum =
                divided ? IntStream.range(0, count).mapToDouble(k -> shares[k]).sum() : 1;
        return IntStream.range(0, count).mapToDouble(k -> shares[k] / sum).toArray();
    }

    private static double[] sigmoids(double[] router) {
        return IntStream.range(0, router.length)
                .mapToDouble(i -> Functions.sigmoid(router[i]))
                .toArray();
    }

    private static Operation shares(Task task) {
        int count = task.count("count");
        return new Operation() {
            @Override
            public Field plain() {
                return each(task, (router, order) -> chosen(softmax(router), order, count, true));
            }

            @Override
            public List<Variant> variants() {
                List<Variant> variants = new ArrayList<>();
                String usual = "softmax over all experts, divided by the sum of the chosen";
                String advice = "divide the probabilities of the chosen experts by their sum";
                variants.add(new Variant(
                        "router weights not renormalised",
                        "softmax over all experts, not divided by the sum of the chosen",
                        usual,
                        advice,
                        each(task, (router, order) -> chosen(softmax(router), order, count, false))));
                variants.add(new Variant(
                        "number of experts",
                        "the most probable expert alone",
                        usual,
                        "choose " + count + " experts",
                        each(
                                task,
                                (router, order) -> IntStream.range(0, count)
                                        .mapToDouble(k -> k == 0 ? 1 : 0)
                                        .toArray())));
                for (int more : new int[] {1, 2}) {
                    variants.add(new Variant(
                            "number of experts",
                            (count + more) + " experts in the sum that probabilities are divided by",
                            usual,
                            "choose " + count + " experts",
                            each(task, (router, order) -> {
                                double[] of =
                                        chosen(softmax(router), order, Math.min(order.length, count + more), true);
                                return java.util.Arrays.copyOf(of, count);
                            })));
                }
                variants.add(new Variant(
                        "router weights missing",
                        "the same for each expert",
                        usual,
                        advice,
                        each(
                                task,
                                (router, order) -> IntStream.range(0, count)
                                        .mapToDouble(k -> 1.0 / count)
                                        .toArray())));
                variants.add(new Variant(
                        "order of experts",
                        "the least probable of them first",
                        usual,
                        "order by probability, as the experts",
                        each(task, (router, order) -> {
                            double[] of = chosen(softmax(router), order, count, true);
                            return IntStream.range(0, count)
                                    .mapToDouble(k -> of[count - 1 - k])
                                    .toArray();
                        })));
                variants.add(new Variant(
                        "no softmax",
                        "the logits themselves",
                        usual,
                        advice,
                        each(task, (router, order) -> chosen(router, order, count, false))));
                for (boolean divided : new boolean[] {true, false}) {
                    variants.add(new Variant(
                            "other activation",
                            "a sigmoid of each logit" + (divided ? ", divided by the sum" : ""),
                            usual,
                            advice,
                            each(task, (router, order) -> chosen(sigmoids(router), order, count, divided))));
                }
                return variants;
            }
        };
    }
}
