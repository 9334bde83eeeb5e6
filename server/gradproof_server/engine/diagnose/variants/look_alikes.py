"""Mistakes that give the same numbers in some problems: measured by `python -m benchmarks.diagnosis.alike`.

Found in at least two random problems, in float64 or in four decimals; each pair stands once, with the code first in
order. Rows of the table name further look-alikes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

MEASURED: Mapping[str, str] = {
    "activation.exponential_sibling": "layer.argument_ignored",
    "activation.hard_sibling":
        "activation.omitted activation.swapped backward.output_activation_derivative_missing "
        "backward.tanh_derivative_for_other_activation gradient.all_zeros update.sign_flipped "
        "update.weights_before_step ",
    "activation.leaky_slope": "activation.swapped data.input_scaled",
    "activation.omitted":
        "activation.swapped backward.activation_derivative_missing backward.log_softmax_sum_term_missing "
        "backward.softmax_jacobian_missing backward.weight_gradient_from_preactivation loss.sigmoid_applied_once "
        "update.sign_flipped ",
    "activation.softmax_dimension":
        "backward.detached backward.softmax_jacobian_sign gradient.all_zeros layer.argument_ignored "
        "loss.derivative_missing loss.residual_without_sign loss.value_used_as_derivative update.weights_before_step ",
    "activation.softmax_kind": "loss.log_missing_before_nll loss.probabilities_in_nll",
    "activation.softmax_sign": "data.labels_recoded data.targets_of_other_samples",
    "activation.swapped":
        "backward.activation_derivative_at_activation backward.activation_derivative_missing "
        "backward.activation_value_as_derivative backward.detached backward.relu_derivative_for_other_activation "
        "backward.sigmoid_derivative_for_other_activation backward.tanh_derivative_for_other_activation "
        "backward.weight_gradient_without_input gradient.all_zeros layer.bias_ignored layout.rounded "
        "layout.rounded_on_the_way loss.mse_instead_of_bce loss.sigmoid_applied_once update.sign_flipped "
        "update.weights_before_step ",
    "attention.mask": "attention.softmax_axis",
    "attention.norm_epsilon": "layout.rounded_on_the_way",
    "backward.activation_derivative_at_activation":
        "backward.activation_derivative_missing backward.activation_derivative_twice "
        "backward.output_activation_derivative_missing ",
    "backward.activation_derivative_at_linear_layer":
        "backward.bias_gradient_one_row backward.one_sample_only backward.weight_factor_missing "
        "backward.weight_gradient_averaged gradient.graph_cut layer.bias_ignored subgradient.clamp_at_bound_zero "
        "update.only_last_layer update.sign_flipped ",
    "backward.activation_derivative_at_preactivation":
        "backward.activation_derivative_sign backward.detached backward.preactivation_as_derivative "
        "backward.sigmoid_derivative_incomplete backward.weight_factor_missing gradient.all_zeros update.sign_flipped "
        "update.weights_before_step ",
    "backward.activation_derivative_inverted":
        "backward.output_activation_derivative_missing regularization.weight_decay_ignored ",
    "backward.activation_derivative_missing":
        "backward.activation_derivative_twice backward.activation_value_as_derivative backward.leaky_slope_wrong "
        "backward.relu_derivative_for_other_activation backward.sigmoid_derivative_for_other_activation "
        "backward.tanh_derivative_for_other_activation ",
    "backward.activation_derivative_sign":
        "backward.sigmoid_derivative_for_other_activation backward.weight_error_normalized "
        "backward.weight_factor_missing gradient.sign_flipped layout.gradient_reversed update.maximize_ignored "
        "update.sign_flipped ",
    "backward.activation_derivative_twice":
        "backward.leaky_slope_wrong backward.tanh_derivative_for_other_activation "
        "backward.tanh_derivative_square_missing loss.bce_derivative_is_difference "
        "loss.bce_with_logits_sigmoid_derivative update.backward_used_updated_weights ",
    "backward.activation_derivative_without_activation":
        "backward.one_sample_only data.input_scaled gradient.all_zeros gradient.of_another_step layer.bias_ignored "
        "layout.rounded_on_the_way loss.bce_with_logits_sigmoid_derivative loss.derivative_missing loss.margin_sign "
        "loss.mse_instead_of_bce loss.residual_without_sign loss.sigmoid_applied_twice loss.target_broadcast "
        "loss.targets_zero_one loss.value_used_as_derivative reduction.first_sample_only reduction.last_sample_only "
        "reduction.mean_divided_twice update.sign_flipped update.weights_before_step ",
    "backward.activation_value_as_derivative":
        "backward.output_activation_derivative_missing backward.preactivation_as_derivative "
        "backward.sigmoid_derivative_for_other_activation layout.rounded_on_the_way ",
    "backward.bias_gradient_averaged":
        "backward.bias_gradient_missing backward.bias_gradient_multiplied backward.bias_gradient_one_number "
        "backward.bias_gradient_one_row backward.bias_gradient_summed backward.matrix_not_transposed "
        "backward.one_sample_only backward.weight_gradient_summed gradient.scaled_by_constant "
        "layout.gradient_reversed layout.gradient_shifted ",
    "backward.bias_gradient_missing":
        "backward.bias_gradient_multiplied backward.bias_gradient_one_number backward.bias_gradient_one_row "
        "backward.detached gradient.graph_cut gradient.parameter_frozen layer.bias_ignored update.bias_not_updated ",
    "backward.bias_gradient_multiplied":
        "backward.bias_gradient_one_number backward.bias_gradient_one_row layer.bias_ignored layout.gradient_reversed "
        "layout.gradient_shifted update.bias_not_updated ",
    "backward.bias_gradient_one_number":
        "backward.bias_gradient_one_row backward.bias_gradient_summed gradient.parameter_frozen layer.bias_ignored "
        "layout.gradient_reversed layout.gradient_shifted reduction.last_sample_only update.bias_not_updated ",
    "backward.bias_gradient_one_row":
        "backward.one_sample_only gradient.parameter_frozen layer.bias_ignored layout.gradient_shifted "
        "reduction.last_sample_only update.bias_not_updated ",
    "backward.bias_gradient_summed": "backward.weight_gradient_averaged regularization.l2_without_half",
    "backward.detached":
        "backward.one_sample_only backward.product_rule_term_missing backward.residual_path_dropped "
        "backward.tied_weight_one_use backward.weight_factor_missing gradient.all_zeros gradient.graph_cut "
        "loss.bce_one_term_only rnn.state_detached subgradient.maximum_tie_to_first update.bias_not_updated "
        "update.layer_not_updated update.only_last_layer update.weights_before_step ",
    "backward.leaky_slope_wrong":
        "backward.relu_derivative_for_other_activation backward.sigmoid_derivative_for_other_activation "
        "gradient.graph_cut ",
    "backward.one_sample_only":
        "backward.relu_derivative_for_other_activation backward.residual_path_dropped "
        "backward.weight_gradient_averaged backward.weight_gradient_input_twice backward.weight_gradient_summed "
        "backward.weight_gradient_times_weight backward.weight_gradient_without_input gradient.all_zeros "
        "gradient.graph_cut gradient.parameter_frozen layer.bias_ignored layout.gradient_reversed "
        "layout.gradient_shifted loss.bce_one_term_only loss.target_broadcast reduction.first_sample_only "
        "reduction.last_sample_only update.layer_not_updated update.only_last_layer update.weights_before_step ",
    "backward.output_activation_derivative_missing":
        "backward.relu_derivative_for_other_activation backward.tanh_derivative_for_other_activation "
        "gradient.scaled_by_constant layer.bias_ignored loss.bce_instead_of_mse loss.cross_entropy_for_squared_error "
        "loss.mse_instead_of_bce ",
    "backward.path_dropped": "backward.residual_path_dropped backward.weight_factor_missing",
    "backward.preactivation_as_derivative":
        "backward.relu_derivative_for_other_activation backward.sigmoid_derivative_for_other_activation "
        "update.sign_flipped ",
    "backward.product_rule_term_missing": "gradient.graph_cut update.bias_not_updated update.layer_not_updated",
    "backward.relu_derivative_for_other_activation":
        "backward.weight_factor_missing gradient.all_zeros gradient.graph_cut update.layer_not_updated "
        "update.only_last_layer update.weights_before_step ",
    "backward.relu_guided": "backward.relu_mask_from_upstream gradient.graph_cut",
    "backward.residual_path_dropped": "gradient.graph_cut subgradient.maximum_tie_to_first update.layer_not_updated",
    "backward.sigmoid_derivative_for_other_activation":
        "backward.tanh_derivative_for_other_activation backward.weight_error_normalized "
        "backward.weight_factor_missing ",
    "backward.sigmoid_derivative_incomplete": "backward.tanh_derivative_for_other_activation update.sign_flipped",
    "backward.softmax_derivative_with_cross_entropy": "loss.mse_instead_of_cross_entropy",
    "backward.softmax_diagonal_only": "loss.half_squared_error",
    "backward.softmax_jacobian_missing": "loss.bce_instead_of_mse loss.cross_entropy_instead_of_mse",
    "backward.softmax_jacobian_sign": "gradient.all_zeros update.weights_before_step",
    "backward.tanh_derivative_for_other_activation":
        "reduction.sum_instead_of_mean update.backward_used_updated_weights ",
    "backward.tied_weight_one_use": "gradient.graph_cut rnn.initial_state_gradient_forgotten rnn.state_detached",
    "backward.weight_error_normalized":
        "backward.weight_factor_missing layout.rounded_on_the_way update.only_last_layer ",
    "backward.weight_factor_missing": "gradient.graph_cut update.backward_used_updated_weights update.only_last_layer",
    "backward.weight_gradient_averaged":
        "backward.weight_gradient_summed backward.weight_gradient_times_weight reduction.batch_mean_only "
        "reduction.divided_by_batch_twice reduction.mean_instead_of_sum update.parameter_groups_ignored ",
    "backward.weight_gradient_from_network_input":
        "backward.weight_gradient_input_twice backward.weight_gradient_without_input layout.gradient_reversed ",
    "backward.weight_gradient_from_output":
        "backward.weight_gradient_times_weight backward.weight_gradient_without_input ",
    "backward.weight_gradient_from_preactivation": "backward.weight_gradient_input_twice",
    "backward.weight_gradient_input_twice":
        "backward.weight_gradient_summed backward.weight_gradient_times_weight backward.weight_gradient_without_input "
        "gradient.parameter_frozen layout.gradient_reversed layout.rounded_on_the_way ",
    "backward.weight_gradient_summed":
        "gradient.backward_twice gradient.multiplied_by_loss gradient.scaled_by_constant reduction.batch_mean_only "
        "reduction.output_mean_only reduction.sum_instead_of_mean update.backward_used_updated_weights "
        "update.learning_rate_scaled ",
    "backward.weight_gradient_times_weight":
        "backward.weight_gradient_without_input gradient.parameter_frozen layout.gradient_reversed ",
    "backward.weight_gradient_without_input":
        "data.targets_of_other_samples gradient.graph_cut gradient.parameter_frozen layer.bias_ignored "
        "layout.gradient_reversed update.layer_not_updated ",
    "clipping.always_scaled": "gradient.scaled_by_constant reduction.sum_instead_of_mean",
    "clipping.decay_clipped_too": "clipping.ignored regularization.in_claimed_gradient",
    "clipping.ignored":
        "clipping.other_norm clipping.per_tensor clipping.update_clipped clipping.upper_bound_only "
        "clipping.value_instead_of_norm gradient.scaled_by_constant reduction.mean_divided_twice "
        "regularization.divided_by_batch regularization.halved regularization.in_claimed_gradient "
        "regularization.norm_not_squared regularization.scaled_by_lr_twice ",
    "clipping.other_norm": "regularization.l2_without_half",
    "clipping.update_clipped": "update.learning_rate_forgotten",
    "clipping.without_epsilon": "gradient.multiplied_by_loss gradient.scaled_by_constant",
    "convolution.bias_gradient":
        "gradient.parameter_frozen gradient.scaled_by_constant layout.gradient_reversed layout.gradient_shifted "
        "update.bias_not_updated ",
    "convolution.bias_ignored": "regularization.l2_without_half",
    "convolution.kernel_flipped": "convolution.kernel_gradient_flipped",
    "convolution.kernel_gradient_averaged": "gradient.scaled_by_constant loss.half_squared_error",
    "data.batches_in_reversed_order": "update.weights_before_step",
    "data.class_index_shifted": "gradient.all_zeros update.weights_before_step",
    "data.features_reversed": "layout.gradient_reversed",
    "data.input_scaled": "layer.bias_ignored loss.target_broadcast normalization.running_half_updated",
    "data.labels_recoded":
        "data.targets_of_other_samples loss.l1_instead_of_mse loss.margin_sign loss.targets_zero_one "
        "update.sign_flipped ",
    "data.one_batch_in_all_steps":
        "gradient.all_zeros gradient.computed_once gradient.of_another_step gradient.of_previous_step "
        "update.weights_before_step ",
    "data.targets_of_other_samples":
        "layer.bias_ignored loss.derivative_missing loss.target_broadcast update.sign_flipped ",
    "dropout.not_applied": "layer.other_mode",
    "dropout.not_applied_in_transformer": "layer.other_mode",
    "gradient.all_zeros":
        "gradient.computed_once gradient.of_another_step layer.bias_ignored layout.rounded layout.rounded_on_the_way "
        "loss.bce_one_term_only loss.classification_hinge_instead_of_embedding loss.derivative_missing "
        "loss.margin_sign loss.residual_without_sign loss.target_broadcast loss.target_sign loss.targets_zero_one "
        "loss.value_used_as_derivative optimizer.adadelta.eps_outside_root regularization.l1_instead_of_l2 "
        "update.weights_before_step ",
    "gradient.averaged_over_steps": "gradient.not_zeroed",
    "gradient.backward_twice":
        "gradient.multiplied_by_loss gradient.scaled_by_constant loss.bce_instead_of_cross_entropy "
        "loss.gaussian_without_half loss.half_sum_squared_error loss.mse_instead_of_huber "
        "loss.smooth_l1_instead_of_huber loss.target_broadcast reduction.batch_mean_only reduction.ctc "
        "reduction.feature_sum reduction.output_mean_only reduction.sum_instead_of_mean regularization.halved "
        "update.backward_used_updated_weights update.learning_rate_scaled ",
    "gradient.computed_once": "gradient.not_zeroed gradient.of_previous_step update.weights_before_step",
    "gradient.graph_cut":
        "gradient.parameter_frozen rnn.input_gradient_forgotten rnn.state_detached subgradient.maximum_tie_to_first "
        "update.bias_not_updated update.layer_not_updated update.only_last_layer ",
    "gradient.is_the_step": "gradient.learning_rate_included",
    "gradient.learning_rate_included":
        "gradient.scaled_by_constant loss.half_squared_error reduction.divided_by_batch_twice "
        "reduction.divided_by_outputs_twice reduction.mean_divided_twice ",
    "gradient.multiplied_by_loss":
        "gradient.scaled_by_constant loss.gaussian_without_half loss.half_squared_error_instead_of_huber "
        "loss.half_squared_error_instead_of_l1 loss.value_used_as_derivative optimizer.adagrad_instead_of_adam "
        "optimizer.adam.eps_sibling reduction.sum_instead_of_mean ",
    "gradient.not_zeroed": "gradient.of_previous_step",
    "gradient.parameter_frozen":
        "layer.bias_ignored regularization.bias_not_decayed regularization.only_biases_decayed "
        "rnn.bias_gradient_given_to_one rnn.recurrent_gradient_of_first_step_only update.bias_not_updated "
        "update.layer_not_updated update.only_last_layer ",
    "gradient.scaled_by_constant":
        "loss.bce_instead_of_cross_entropy loss.delta_ignored loss.gaussian_without_half loss.half_squared_error "
        "loss.half_squared_error_batch_mean loss.half_squared_error_instead_of_smooth_l1 loss.half_sum_squared_error "
        "loss.huber_instead_of_mse loss.huber_instead_of_smooth_l1 loss.l1_instead_of_mse "
        "loss.margin_not_divided_by_classes loss.mse_instead_of_huber loss.mse_instead_of_smooth_l1 "
        "loss.other_threshold loss.rmse_instead_of_mse loss.smooth_l1_instead_of_huber loss.target_broadcast "
        "optimizer.adagrad_instead_of_adam optimizer.adam.eps_sibling optimizer.adamax.eps_missing "
        "optimizer.adamax.eps_sibling optimizer.nadam.eps_sibling optimizer.rmsprop.eps_sibling "
        "optimizer.sgd.averaged_momentum reduction.batch_mean_only reduction.ctc reduction.divided_by_batch_twice "
        "reduction.divided_by_classes_too reduction.divided_by_outputs_twice reduction.feature_sum "
        "reduction.mean_divided_twice reduction.mean_instead_of_sum reduction.output_mean_only "
        "reduction.sum_instead_of_mean regularization.divided_by_batch regularization.halved "
        "regularization.l2_without_half regularization.scaled_by_lr_twice schedule.stepped_before_optimizer "
        "update.backward_used_updated_weights update.learning_rate_forgotten update.learning_rate_scaled "
        "update.learning_rate_twice update.per_sample ",
    "gradient.sign_flipped":
        "layout.gradient_reversed loss.classification_hinge_instead_of_embedding loss.derivative_missing "
        "loss.residual_without_sign loss.target_sign loss.triplet_swapped update.maximize_ignored update.sign_flipped ",
    "gru.gate_derivative_missing": "gru.gate_derivative_twice",
    "layer.argument_ignored": "normalization.epsilon",
    "layer.bias_ignored":
        "layout.gradient_reversed layout.gradient_shifted layout.weight_transposed loss.derivative_missing "
        "loss.other_margin reduction.first_sample_only update.bias_not_updated update.weights_before_step ",
    "layer.other_mode": "normalization.train_and_eval",
    "layout.column_major":
        "layout.gradient_reshaped layout.gradient_shifted layout.kernel_memory_order regularization.l2_without_half ",
    "layout.flatten_order": "reduction.last_sample_only",
    "layout.gradient_reshaped": "layout.gradient_reversed layout.weight_reshaped",
    "layout.gradient_reversed": "layout.gradient_shifted layout.gradient_transposed update.sign_flipped",
    "layout.gradient_told_as_weights": "update.step_instead_of_weights",
    "layout.gradient_transposed": "layout.weight_transposed rnn.input_weight_transposed",
    "layout.narrow_type": "layout.rounded",
    "layout.rounded": "layout.rounded_on_the_way optimizer.adagrad_instead_of_adam update.weights_before_step",
    "layout.rounded_on_the_way":
        "optimizer.adam.beta2_sibling optimizer.adam.decay_after_step regularization.l2_without_half "
        "update.layer_not_updated update.weights_before_step ",
    "layout.state_told_as_gradient": "regularization.in_claimed_gradient",
    "layout.tensors_swapped": "layout.values_swapped",
    "layout.weight_reshaped": "update.weights_before_step",
    "loss.bce_derivative_is_difference": "loss.bce_with_logits_sigmoid_derivative loss.mse_instead_of_bce",
    "loss.bce_instead_of_cross_entropy": "update.learning_rate_scaled",
    "loss.bce_instead_of_mse": "loss.cross_entropy_for_squared_error loss.cross_entropy_instead_of_mse",
    "loss.bce_labels_taken_as_signs": "loss.bce_one_term_only loss.target_broadcast",
    "loss.bce_one_term_only": "loss.target_broadcast reduction.first_sample_only update.weights_before_step",
    "loss.bce_with_logits_sigmoid_derivative": "loss.mse_instead_of_bce",
    "loss.beta_ignored":
        "loss.half_squared_error_instead_of_smooth_l1 loss.huber_instead_of_smooth_l1 loss.other_threshold "
        "loss.smooth_l1_beta_not_divided ",
    "loss.classification_hinge_instead_of_embedding": "loss.target_sign update.sign_flipped update.weights_before_step",
    "loss.cross_entropy_for_squared_error": "loss.cross_entropy_instead_of_mse",
    "loss.delta_ignored":
        "loss.l1_instead_of_huber loss.norm_instead_of_huber loss.other_threshold loss.smooth_l1_instead_of_huber ",
    "loss.derivative_missing":
        "loss.hinge_not_clamped loss.huber_instead_of_mse loss.l1_instead_of_mse loss.l1_instead_of_smooth_l1 "
        "loss.residual_without_sign loss.value_used_as_derivative reduction.sum_instead_of_mean update.sign_flipped "
        "update.weights_before_step ",
    "loss.gaussian_square_without_half": "loss.gaussian_without_half",
    "loss.gaussian_without_half": "reduction.batch_mean_only regularization.halved update.learning_rate_scaled",
    "loss.half_squared_error":
        "loss.huber_instead_of_mse loss.l1_instead_of_mse loss.log_cosh_instead_of_mse loss.relative_error "
        "reduction.batch_mean_only reduction.divided_by_batch_twice reduction.divided_by_outputs_twice "
        "reduction.mean_divided_twice reduction.mean_instead_of_sum reduction.output_mean_only "
        "regularization.l2_without_half regularization.twice_divided_by_batch update.learning_rate_scaled ",
    "loss.half_squared_error_batch_mean": "reduction.mean_instead_of_sum update.learning_rate_scaled",
    "loss.half_squared_error_instead_of_huber":
        "loss.mse_instead_of_huber loss.norm_instead_of_huber loss.other_threshold loss.relative_error "
        "loss.rmse_instead_of_huber reduction.batch_mean_only reduction.mean_instead_of_sum "
        "reduction.sum_instead_of_mean ",
    "loss.half_squared_error_instead_of_l1":
        "loss.huber_instead_of_l1 loss.mse_instead_of_l1 loss.relative_error loss.rmse_instead_of_l1 "
        "loss.value_used_as_derivative ",
    "loss.half_squared_error_instead_of_smooth_l1":
        "loss.huber_instead_of_smooth_l1 loss.mse_instead_of_smooth_l1 loss.other_threshold loss.relative_error "
        "loss.rmse_instead_of_smooth_l1 loss.smooth_l1_beta_not_divided ",
    "loss.half_sum_squared_error":
        "reduction.batch_mean_only reduction.feature_sum reduction.output_mean_only reduction.sum_instead_of_mean "
        "regularization.halved update.learning_rate_scaled ",
    "loss.hinge_not_clamped": "loss.other_margin",
    "loss.huber_instead_of_mse":
        "loss.l1_instead_of_mse loss.log_cosh_instead_of_mse loss.norm_instead_of_mse loss.rmse_instead_of_mse ",
    "loss.huber_instead_of_smooth_l1": "reduction.output_mean_only update.learning_rate_scaled",
    "loss.l1_instead_of_bce": "loss.sigmoid_applied_twice",
    "loss.l1_instead_of_huber":
        "loss.norm_instead_of_huber loss.other_threshold loss.rmse_instead_of_huber loss.smooth_l1_instead_of_huber ",
    "loss.l1_instead_of_mse": "loss.norm_instead_of_mse loss.rmse_instead_of_mse",
    "loss.l1_instead_of_smooth_l1":
        "loss.norm_instead_of_smooth_l1 loss.other_threshold loss.rmse_instead_of_smooth_l1 ",
    "loss.margin_ignored": "loss.margin_sign loss.other_margin",
    "loss.margin_not_divided_by_classes": "update.learning_rate_scaled",
    "loss.margin_sign": "loss.other_margin loss.targets_zero_one update.weights_before_step",
    "loss.mse_instead_of_bce": "loss.target_broadcast",
    "loss.mse_instead_of_huber": "loss.quadratic_part_without_half reduction.batch_mean_only",
    "loss.norm_instead_of_huber": "loss.smooth_l1_instead_of_huber",
    "loss.norm_instead_of_mse": "loss.rmse_instead_of_mse",
    "loss.norm_instead_of_smooth_l1": "loss.rmse_instead_of_smooth_l1",
    "loss.other_margin": "loss.targets_zero_one",
    "loss.other_threshold": "loss.quadratic_part_without_half reduction.mean_instead_of_sum",
    "loss.quadratic_part_without_half": "reduction.batch_mean_only reduction.sum_instead_of_mean",
    "loss.relative_error": "update.sign_flipped",
    "loss.residual_without_sign": "loss.value_used_as_derivative update.sign_flipped update.weights_before_step",
    "loss.smooth_l1_instead_of_huber": "reduction.sum_instead_of_mean",
    "loss.target_broadcast": "reduction.last_sample_only update.learning_rate_scaled",
    "loss.target_sign": "loss.targets_zero_one update.sign_flipped update.weights_before_step",
    "loss.targets_zero_one": "reduction.last_sample_only update.weights_before_step",
    "loss.triplet_swapped": "update.sign_flipped",
    "loss.true_class_in_margin": "subgradient.margin_active",
    "loss.value_used_as_derivative": "update.sign_flipped update.weights_before_step",
    "lstm.candidate_relu": "lstm.relu_activation",
    "lstm.gate_derivative_missing": "lstm.gate_derivative_of_tanh",
    "normalization.deviation_missing_backward": "normalization.omitted normalization.statistics_as_constants",
    "normalization.epsilon": "normalization.epsilon_outside_root",
    "normalization.omitted": "normalization.statistics_as_constants",
    "optimizer.adadelta.eps_outside_root":
        "optimizer.adadelta.eps_sibling update.learning_rate_scaled update.weights_before_step ",
    "optimizer.adadelta.eps_sibling": "update.learning_rate_scaled update.weights_before_step",
    "optimizer.adadelta_instead_of_rmsprop": "update.weights_before_step",
    "optimizer.adagrad.eps_sibling": "optimizer.adam_instead_of_adagrad",
    "optimizer.adagrad_instead_of_adam": "optimizer.adam.eps_sibling optimizer.adam.eps_squared_inside_root",
    "optimizer.adagrad_instead_of_rmsprop":
        "optimizer.rmsprop.decaying_sum optimizer.rmsprop.starts_at_first_square optimizer.rmsprop.sum ",
    "optimizer.adagrad_instead_of_sgd": "optimizer.adam_instead_of_sgd update.learning_rate_forgotten",
    "optimizer.adam.amsgrad_undeclared": "optimizer.adam.beta2_sibling",
    "optimizer.adam.beta1_sibling":
        "optimizer.adam.beta2_sibling optimizer.adam.betas_swapped optimizer.adam.first_moment_unused "
        "optimizer.adam_instead_of_nadam optimizer.sgd_instead_of_radam ",
    "optimizer.adam.beta_without_power": "optimizer.adam.step_count_stands",
    "optimizer.adam.betas_swapped": "optimizer.adam_instead_of_nadam",
    "optimizer.adam.decay_after_step": "optimizer.adamw_instead_of_adam",
    "optimizer.adam.eps_hat": "optimizer.adam.eps_sibling",
    "optimizer.adam.eps_inside_root": "optimizer.adam.eps_sibling",
    "optimizer.adam.eps_sibling": "optimizer.adam.eps_squared_inside_root",
    "optimizer.adam.first_moment_sum":
        "optimizer.adam.second_moment_of_first optimizer.rmsprop_instead_of_adam update.learning_rate_scaled ",
    "optimizer.adam.first_moment_uncorrected": "update.learning_rate_scaled",
    "optimizer.adam.no_bias_correction": "update.learning_rate_scaled",
    "optimizer.adam.second_correction_outside_root": "optimizer.adam.second_moment_sum",
    "optimizer.adam.second_moment_of_first": "optimizer.rmsprop_instead_of_adam",
    "optimizer.adam.second_moment_sum": "update.learning_rate_scaled",
    "optimizer.adam.second_moment_uncorrected": "optimizer.rmsprop_instead_of_adam update.learning_rate_scaled",
    "optimizer.adam.second_moment_unused":
        "optimizer.radam_instead_of_adam optimizer.sgd_instead_of_adam optimizer.sgd_instead_of_adamw ",
    "optimizer.adam_instead_of_adamw": "regularization.weight_decay_ignored",
    "optimizer.adam_instead_of_radam": "optimizer.radam.adam_at_first",
    "optimizer.adam_instead_of_rmsprop": "optimizer.rmsprop.starts_at_first_square",
    "optimizer.adam_instead_of_sgd": "update.learning_rate_forgotten",
    "optimizer.adamax.eps_missing": "optimizer.adamax.eps_sibling",
    "optimizer.adamax.no_bias_correction": "update.learning_rate_scaled",
    "optimizer.adamax.norm_corrected": "update.weights_before_step",
    "optimizer.radam.no_step_at_first": "update.weights_before_step",
    "optimizer.radam_instead_of_adam": "optimizer.sgd_instead_of_adam",
    "optimizer.rmsprop.alpha_swapped": "update.learning_rate_scaled",
    "optimizer.rmsprop.bias_corrected": "optimizer.rmsprop.starts_at_first_square",
    "optimizer.rmsprop.decaying_sum":
        "optimizer.rmsprop.starts_at_first_square optimizer.rmsprop.sum update.learning_rate_scaled ",
    "optimizer.rmsprop.starts_at_first_square": "optimizer.rmsprop.sum update.learning_rate_scaled",
    "optimizer.rmsprop.starts_at_one": "optimizer.sgd_instead_of_rmsprop",
    "optimizer.rmsprop_instead_of_adagrad": "update.learning_rate_forgotten",
    "optimizer.rmsprop_instead_of_adam": "update.learning_rate_scaled",
    "optimizer.rmsprop_instead_of_sgd": "update.learning_rate_divides update.learning_rate_scaled",
    "optimizer.sgd.averaged_momentum": "reduction.mean_divided_twice update.learning_rate_scaled",
    "optimizer.sgd.dampening_at_first_step": "reduction.mean_instead_of_sum update.learning_rate_scaled",
    "optimizer.sgd.gradient_and_buffer": "update.learning_rate_scaled",
    "optimizer.sgd.look_ahead_nesterov": "optimizer.sgd.nesterov_ignored",
    "optimizer.sgd.momentum_ignored": "optimizer.sgd.nesterov_ignored",
    "reduction.batch_mean_only":
        "reduction.feature_sum reduction.output_mean_only reduction.sum_instead_of_mean "
        "regularization.divided_by_batch regularization.halved update.learning_rate_scaled ",
    "reduction.ctc": "update.learning_rate_scaled",
    "reduction.divided_by_batch_twice":
        "reduction.divided_by_classes_too reduction.divided_by_outputs_twice regularization.l2_without_half "
        "regularization.multiplied_by_batch update.learning_rate_scaled ",
    "reduction.divided_by_classes_too": "update.learning_rate_scaled",
    "reduction.divided_by_outputs_twice": "regularization.l2_without_half update.learning_rate_scaled",
    "reduction.feature_sum": "reduction.sum_instead_of_mean",
    "reduction.first_sample_only": "update.weights_before_step",
    "reduction.last_sample_only": "update.weights_before_step",
    "reduction.mean_divided_twice": "regularization.l2_without_half update.learning_rate_scaled",
    "reduction.mean_instead_of_sum": "update.learning_rate_scaled",
    "reduction.output_mean_only":
        "reduction.sum_instead_of_mean regularization.divided_by_batch update.learning_rate_scaled update.per_sample ",
    "reduction.sum_instead_of_mean":
        "regularization.divided_by_batch regularization.halved regularization.norm_not_squared "
        "regularization.only_biases_decayed regularization.scaled_by_lr_twice regularization.weight_decay_ignored "
        "update.backward_used_updated_weights update.learning_rate_scaled ",
    "regularization.bias_not_decayed": "update.bias_not_updated",
    "regularization.decay_after_step": "regularization.decoupled",
    "regularization.divided_by_batch":
        "regularization.halved regularization.norm_not_squared regularization.scaled_by_lr_twice "
        "regularization.twice_divided_by_batch regularization.weight_decay_ignored update.learning_rate_scaled ",
    "regularization.halved":
        "regularization.only_biases_decayed regularization.scaled_by_lr_twice regularization.twice_divided_by_batch "
        "regularization.weight_decay_ignored ",
    "regularization.l2_without_half":
        "regularization.multiplied_by_batch regularization.twice_divided_by_batch update.learning_rate_scaled ",
    "regularization.norm_not_squared": "regularization.weight_decay_ignored",
    "regularization.normalization_not_decayed": "regularization.only_matrices_decayed",
    "regularization.not_scaled_by_lr": "update.learning_rate_forgotten",
    "regularization.only_biases_decayed": "regularization.weight_decay_ignored",
    "regularization.scaled_by_lr_twice": "regularization.weight_decay_ignored update.learning_rate_twice",
    "regularization.sign_flipped": "update.sign_flipped",
    "regularization.weight_decay_ignored": "update.weights_before_step",
    "rnn.batch_and_time_swapped": "rnn.state_not_carried",
    "rnn.bias_gradient_given_to_one": "update.bias_not_updated",
    "rnn.bias_ignored": "update.bias_not_updated",
    "rnn.both_weights_transposed": "rnn.input_weight_transposed",
    "rnn.final_state_instead_of_last_output": "rnn.reverse_outputs_not_turned",
    "rnn.initial_state_gradient_forgotten": "rnn.state_detached",
    "rnn.initial_state_ignored": "rnn.relu_instead_of_tanh",
    "rnn.input_gradient_forgotten": "update.layer_not_updated",
    "rnn.last_step_only": "rnn.truncated_backpropagation",
    "rnn.mean_over_time": "rnn.sum_over_time",
    "rnn.no_activation": "rnn.relu_instead_of_tanh rnn.tanh_derivative_missing",
    "rnn.tanh_derivative_at_activation": "rnn.tanh_derivative_missing",
    "rnn.truncated_backpropagation": "rnn.truncated_to_last_steps",
    "schedule.every_second_step": "schedule.ignored schedule.period_off_by_one schedule.stepped_late",
    "schedule.ignored": "schedule.period_off_by_one schedule.stepped_late",
    "schedule.period_off_by_one": "schedule.stepped_before_optimizer schedule.stepped_late schedule.stepped_twice",
    "schedule.step_rates_ignored": "schedule.step_rates_shifted update.learning_rate_scaled",
    "schedule.stepped_before_optimizer":
        "schedule.stepped_twice update.learning_rate_scaled update.learning_rate_twice ",
    "subgradient.hardtanh_at_bound_half": "subgradient.hardtanh_at_bound_one",
    "subgradient.maximum_tie_to_first": "update.layer_not_updated",
    "update.bias_not_updated": "update.layer_not_updated",
    "update.change_instead_of_weights": "update.step_instead_of_weights",
    "update.layer_not_updated": "update.only_last_layer update.weights_before_step",
    "update.learning_rate_divides": "update.learning_rate_forgotten update.learning_rate_scaled",
    "update.learning_rate_forgotten": "update.learning_rate_scaled",
    "update.learning_rate_scaled": "update.learning_rate_twice update.one_step_more update.weights_before_step",
    "update.learning_rate_twice": "update.weights_before_step",
    "update.one_step_more": "update.per_sample",
}  # fmt: skip
