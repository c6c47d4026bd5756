package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.LuthierException;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.api.tokens.Vocabulary.Range;

/**
 * The ids that a model was trained on, which the name of its task decides and nothing else in a checkpoint tells.
 *
 * @param vocabulary what the ids mean
 * @param channels rows of the decoder for each segment
 * @param maxTokens most tokens of a row, end token included
 */
record TaskVocabulary(Vocabulary vocabulary, int channels, int maxTokens) {
    private static final int CHANNELS = 13;
    private static final int PITCHES = 128;

    private static final Map<String, TaskVocabulary> TASKS = tasks(
            task("mt3_midi", 0, 1, 1024),
            task("mt3_midi_plus", 0, 1, 1024),
            task("mt3_full", 0, 1, 1024),
            task("mt3_full_plus", 0, 1, 1024),
            task("gm_ext_plus", 0, 1, 1024),
            task("singing_v1", 3, 1, 1024),
            task("singing_drum_v1", 4, 1, 1024),
            task("mc13", 0, CHANNELS, 512),
            task("mc13_256", 0, CHANNELS, 256),
            task("mc13_full_plus", 0, CHANNELS, 512),
            task("mc13_full_plus_256", 0, CHANNELS, 256));

    /**
     * That of the task of a model.
     *
     * @throws LuthierException if there is no such task, or the model has other channels or fewer ids
     */
    static TaskVocabulary of(YourMt3Configuration configuration) {
        TaskVocabulary task = of(configuration.task());
        String name = task.vocabulary.task();
        if (task.channels != configuration.channels()) {
            throw new LuthierException("task of YourMT3+: expected one of " + configuration.channels()
                    + (configuration.channels() == 1 ? " channel" : " channels") + ", as the decoder has, got '" + name
                    + "', which has " + task.channels);
        }
        if (task.vocabulary.size() > configuration.vocabulary()) {
            throw new LuthierException("hyper_parameters.model_cfg.vocab_size: expected at least "
                    + task.vocabulary.size() + ", the ids of task " + name + ", got " + configuration.vocabulary());
        }
        return task;
    }

    /**
     * That of a task.
     *
     * @param name null if a checkpoint does not tell it
     * @throws LuthierException if there is no such task
     */
    static TaskVocabulary of(String name) {
        TaskVocabulary task = name == null ? null : TASKS.get(name);
        if (task == null) {
            throw new LuthierException("task of YourMT3+: expected one of " + String.join(", ", TASKS.keySet())
                    + ", got " + (name == null ? "nothing" : "'" + name + "'"));
        }
        return task;
    }

    private static Map<String, TaskVocabulary> tasks(TaskVocabulary... tasks) {
        Map<String, TaskVocabulary> byName = new LinkedHashMap<>();
        for (TaskVocabulary task : tasks) {
            byName.put(task.vocabulary.task(), task);
        }
        return byName;
    }

    /** @param prefixes ids that ask for a part of the task */
    private static TaskVocabulary task(String name, int prefixes, int channels, int maxTokens) {
        List<Range> ranges = new ArrayList<>();
        int next = add(ranges, "special", 0, 3);
        if (prefixes > 0) {
            next = add(ranges, "task", next, prefixes);
        }
        // Steps of 10 ms.
        next = add(ranges, "shift", next, 206);
        next = add(ranges, "pitch", next, PITCHES);
        next = add(ranges, "velocity", next, 2);
        next = add(ranges, "tie", next, 1);
        next = add(ranges, "program", next, 128);
        next = add(ranges, "drum", next, PITCHES);
        return new TaskVocabulary(new Vocabulary(name, next, 0, 1, List.copyOf(ranges)), channels, maxTokens);
    }

    private static int add(List<Range> ranges, String type, int first, int count) {
        ranges.add(new Range(type, first, count, 0));
        return first + count;
    }
}
