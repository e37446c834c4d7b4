DROP TRIGGER comment_submission_forgotten ON comment;
DROP FUNCTION comment_forget_submission;
DROP TABLE comment_vote;
DROP TABLE comment_rate;
DROP TABLE comment_secret;
DROP TABLE comment_form;
DROP TABLE comment_submission;
